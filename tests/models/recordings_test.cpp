// Recordings on a CPU: a stand-in for a CUDA graph does the recorded work again, on the memory it was recorded with.
#include "models/recordings.h"

#include "core/error.h"
#include "temporary.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <utility>

namespace fewstep {
namespace {

struct Counted {
  int calls = 0;
  Recorder recorder = [this](const std::function<void()>& work) {
    ++calls;
    return work;
  };
};

Tensor sum_of(const std::vector<Tensor>& inputs) { return inputs[0] + 2 * inputs[1]; }

TEST(Recordings, AnswerLikeTheNetworkForNewInputsOfKnownShapes) {
  Recordings recordings;
  Counted counted;
  const Tensor text = at::full({1, 3}, 5.0);
  for (int i = 0; i < 4; ++i) {
    const Tensor x = at::full({2, 3}, static_cast<double>(i));
    EXPECT_TRUE(recordings.run({x, text}, sum_of, counted.recorder).equal(x + 10));
  }
  EXPECT_TRUE(recordings.run({at::ones({2, 3}), at::zeros({1, 3})}, sum_of, counted.recorder).equal(at::ones({2, 3})))
      << "another text of the same shape";
  EXPECT_EQ(counted.calls, 1);
}

TEST(Recordings, LeaveEarlierAnswersAlone) {
  Recordings recordings;
  Counted counted;
  const Tensor zero = at::zeros({1});
  const Tensor first = recordings.run({at::ones({1}), zero}, sum_of, counted.recorder);
  const Tensor second = recordings.run({at::full({1}, 7.0), zero}, sum_of, counted.recorder);
  EXPECT_EQ(first.item<float>(), 1);
  EXPECT_EQ(second.item<float>(), 7);
}

TEST(Recordings, RecordEachShapeTypeAndLayoutOnceAndKeepFour) {
  Recordings recordings;
  Counted counted;
  const auto ask = [&](const Tensor& x) { recordings.run({x, x}, sum_of, counted.recorder); };
  const Tensor image = at::ones({2, 4, 8, 8});
  for (int i = 0; i < 2; ++i) {
    ask(at::ones({2}));
    ask(at::ones({2}, at::kDouble));
    ask(image);
    ask(image.contiguous(at::MemoryFormat::ChannelsLast));
  }
  EXPECT_EQ(counted.calls, 4);
  ask(at::ones({3}));  // takes the place of the one that was used longest ago
  ask(image);
  EXPECT_EQ(counted.calls, 5);
  ask(at::ones({2}));
  EXPECT_EQ(counted.calls, 6);
}

TEST(Recordings, CallTheNetworkWhereNothingCanBeRecorded) {
  Recordings recordings;
  int tried = 0;
  const Recorder never = [&](const auto&) {
    ++tried;
    return std::function<void()>();
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(recordings.run({at::ones({1}), at::ones({1})}, sum_of, never).item<float>(), 3);
  EXPECT_EQ(tried, 1);
}

TEST(Recordings, PassOnWhatTheNetworkThrowsAndTryAgain) {
  Recordings recordings;
  int calls = 0;
  const auto network = [&](const std::vector<Tensor>& inputs) {
    if (calls++ == 0) throw environment_error("device", "out of memory");
    return sum_of(inputs);
  };
  const Recorder recorder = [](const auto& work) {
    work();
    return work;
  };
  const std::vector<Tensor> inputs{at::ones({1}), at::ones({1})};
  EXPECT_FEWSTEP_ERROR(recordings.run(inputs, network, recorder), ExitCode::kEnvironment, "out of memory");
  EXPECT_EQ(recordings.run(inputs, network, recorder).item<float>(), 3);
}

}  // namespace
}  // namespace fewstep
