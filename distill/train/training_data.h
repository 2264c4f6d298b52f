#pragma once
#include "distill/method.h"

namespace fewstep {

// The images and captions that a recipe names.
CaptionedImages training_images(const TrainingData& data, bool captions_needed);
// What there is to see in one of the built-in scenes.
ImageLabels labels_of(const TrainingData& data, std::int64_t index);

}  // namespace fewstep
