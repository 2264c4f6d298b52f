#pragma once
#include "reports/document.h"
#include "reports/report_input.h"

namespace fewstep {

// The tables of a report: each metric, forwards, times and tripwires over the same rows and columns.
Document document_of(const ReportInput& input);

}  // namespace fewstep
