#include "distill/contrastive.h"

#include <ATen/ATen.h>

namespace fewstep {

Tensor contrastive_loss(const Tensor& images, const Tensor& texts, const Tensor& log_scale,
                        std::span<const std::string> captions) {
  const auto batch = static_cast<std::int64_t>(captions.size());
  Tensor same = at::zeros({batch, batch});
  auto* cells = same.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < batch; ++i) {
    for (std::int64_t j = 0; j < batch; ++j)
      cells[i * batch + j] =
          captions[static_cast<std::size_t>(i)] == captions[static_cast<std::size_t>(j)] ? 1.0F : 0.0F;
  }
  const Tensor targets = (same / same.sum(1, true)).to(images.device());  // symmetric: a caption's rows have equal sums
  const Tensor normal_images = images / images.norm(2, {-1}, true), normal_texts = texts / texts.norm(2, {-1}, true);
  const Tensor logits = log_scale.exp() * normal_images.mm(normal_texts.t());
  const Tensor by_image = -(targets * at::log_softmax(logits, 1)).sum(1).mean();
  return 0.5 * (by_image - (targets * at::log_softmax(logits, 0)).sum(0).mean());
}

}  // namespace fewstep
