#pragma once
#include "reports/report.h"

#include <string>

namespace fewstep {

// fewstep report --format samples-parquet: the bytes of a Parquet file with a row for each image
// (reports/image_rows.h), compressed by Snappy. Of the engine, since it needs Arrow. Throws Error as run_report.
std::string samples_parquet(const ReportRequest& request);

}  // namespace fewstep
