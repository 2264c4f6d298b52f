#pragma once
#include "harness/score/score.h"

#include <iosfwd>

namespace fewstep {

// Throws Error (kUsage), before anything is loaded.
void check(const StatsRequest& request);

// fid's with inception, fd-pocket's with feature_net. Throws Error: kUsage for both, neither, or a protocol that is not
// the metric's; kInput for a path that leads nowhere.
MetricSettings metric_settings(const StatsRequest& request);

// Crop and resize of the request.
Image prepare(const StatsRequest& request, const Image& image);

// Moments of the measure's rows over the prepared images, written as .npz; one line about it to out.
void write_stats(const StatsRequest& request, const OpenMetric& metric, std::ostream& out, std::ostream& messages);

// The whole command.
void run_stats(const StatsRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
