#include <sys/resource.h>

#include <chrono>
#include <future>
#include <stdexcept>

#include <gtest/gtest.h>

#include "inference_worker.h"

namespace fmpn::gst {
namespace {

using namespace std::chrono_literals;

FaceInput input(int track, std::uint64_t frame, double rate = 30) {
  return {track, frame, static_cast<double>(frame) / rate, 1, nullptr, nullptr};
}

std::vector<NetResult> echo(const std::vector<FaceInput>& inputs) {
  std::vector<NetResult> results;
  for (const FaceInput& one : inputs) results.push_back({{static_cast<float>(one.frame)}, nullptr});
  return results;
}

/// Polls until the condition holds; false after five seconds.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(5ms);
  return condition();
}

TEST(Worker, GivesTheResultWithItsFrame) {
  InferenceWorker worker(echo);
  EXPECT_FALSE(worker.latest(1));
  worker.submit({input(1, 42)});
  ASSERT_TRUE(eventually([&] { return worker.latest(1).has_value(); }));
  EXPECT_EQ(worker.latest(1)->frame, 42U);
  EXPECT_EQ(worker.latest(1)->net.probabilities, std::vector<float>{42});
}

TEST(Worker, NewerInputsTakeThePlaceOfWaitingOnes) {
  std::promise<void> gate;
  auto open = gate.get_future().share();
  std::atomic<int> runs{0};
  InferenceWorker worker([&](const std::vector<FaceInput>& inputs) {
    ++runs;
    open.wait();
    return echo(inputs);
  });
  worker.submit({input(1, 0)});
  ASSERT_TRUE(eventually([&] { return runs == 1; }));
  EXPECT_EQ(worker.submit({input(1, 1)}), 0U);
  EXPECT_EQ(worker.submit({input(1, 2)}), 1U);
  EXPECT_EQ(worker.submit({input(1, 3), input(2, 3)}), 1U);
  gate.set_value();
  ASSERT_TRUE(eventually([&] { return worker.latest(2).has_value(); }));
  EXPECT_EQ(worker.latest(1)->frame, 3U);
  EXPECT_EQ(runs, 2);
}

#ifdef __linux__
TEST(Worker, GivesWayToTheStream) {
  std::atomic<int> priority{-100};
  InferenceWorker worker([&](const std::vector<FaceInput>& inputs) {
    priority = getpriority(PRIO_PROCESS, 0);
    return echo(inputs);
  });
  worker.submit({input(1, 0)});
  ASSERT_TRUE(eventually([&] { return worker.latest(1).has_value(); }));
  const int own = getpriority(PRIO_PROCESS, 0);
  if (own >= 19) GTEST_SKIP() << "this process has the lowest priority itself";
  EXPECT_GT(priority, own) << "a higher number is less urgent";
}
#endif

TEST(Worker, WhoeverComesBackAfterAWhileHasNoOldResult) {
  std::promise<void> go;
  InferenceWorker stuck([held = go.get_future().share()](const auto& inputs) {
    if (inputs.front().frame > 10) held.wait();
    return echo(inputs);
  });
  stuck.submit({input(1, 10)});
  ASSERT_TRUE(eventually([&] { return stuck.latest(1).has_value(); }));
  stuck.submit({input(1, 14)});
  EXPECT_TRUE(stuck.latest(1)) << "a face that the detector misses for a moment keeps its result";
  stuck.submit({input(1, 60)});
  EXPECT_FALSE(stuck.latest(1));
  go.set_value();
  EXPECT_TRUE(eventually([&] { return stuck.latest(1).has_value() && stuck.latest(1)->frame == 60; }));
}

TEST(Worker, AWhileIsHalfASecondAtAnyFrameRate) {
  for (const double rate : {1.0, 5.0, 10.0, 60.0}) {
    std::promise<void> go;
    InferenceWorker stuck([held = go.get_future().share()](const auto& inputs) {
      if (inputs.front().frame > 0) held.wait();
      return echo(inputs);
    });
    const auto submit = [&](std::uint64_t frame) { stuck.submit({input(1, frame, rate)}); };
    submit(0);
    ASSERT_TRUE(eventually([&] { return stuck.latest(1).has_value(); }));
    submit(1);
    EXPECT_TRUE(stuck.latest(1)) << "on every frame, " << rate << " a second";
    const auto back = 1 + static_cast<std::uint64_t>(0.4 * rate), back_again = back + 1 + static_cast<std::uint64_t>(0.6 * rate + 0.5);
    submit(back);
    EXPECT_TRUE(stuck.latest(1)) << "out of sight for less, " << rate;
    submit(back_again);
    EXPECT_FALSE(stuck.latest(1)) << "out of sight for longer, " << rate;
    go.set_value();
  }
}

TEST(Worker, AResultOfBeforeItWasAwayMayComeTooLate) {
  std::promise<void> gates[2];
  std::atomic<int> begun{0};
  InferenceWorker worker([&begun, open = std::vector{gates[0].get_future().share(), gates[1].get_future().share()}](const auto& inputs) {
    open[static_cast<std::size_t>(begun++)].wait();
    return echo(inputs);
  });
  worker.submit({input(1, 0)});
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  worker.submit({input(1, 100)});
  gates[0].set_value();
  EXPECT_TRUE(eventually([&] { return begun == 2; }));
  EXPECT_FALSE(worker.latest(1)) << "frame 0 is too long ago";
  gates[1].set_value();
  EXPECT_TRUE(eventually([&] { return worker.latest(1).has_value(); }));
}

TEST(Worker, HandsAFaultToTheNextSubmit) {
  std::atomic<bool> failed{false};
  InferenceWorker worker([&](const std::vector<FaceInput>&) -> std::vector<NetResult> {
    failed = true;
    throw std::runtime_error("out of order");
  });
  worker.submit({input(1, 0)});
  ASSERT_TRUE(eventually([&] { return failed.load(); }));
  bool thrown = false;
  EXPECT_TRUE(eventually([&] {
    try {
      worker.submit({});
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    return thrown;
  }));
}

TEST(Worker, ForgetTellsOfAFaultThatNobodyHeardOf) {
  std::promise<void> gate;
  std::atomic<int> begun{0};
  InferenceWorker worker([&begun, open = gate.get_future().share()](const std::vector<FaceInput>& inputs) {
    ++begun;
    open.wait();
    if (inputs.front().face_id == 1) throw std::runtime_error("out of order");
    return echo(inputs);
  });
  worker.submit({input(1, 0)});
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  worker.submit({input(2, 0)});
  gate.set_value();
  // The second batch's result is there: the first one's fault was handed over before.
  ASSERT_TRUE(eventually([&] { return worker.latest(2).has_value(); }));
  EXPECT_THROW(worker.forget(), std::runtime_error);
  EXPECT_NO_THROW(worker.submit({}));
}

TEST(Worker, AResultKeepsWhatIsKnownOfItsFrame) {
  InferenceWorker worker(echo);
  FaceInput blurred = input(1, 7);
  blurred.time = 0.25;
  blurred.quality = 0.03F;
  worker.submit({blurred});
  ASSERT_TRUE(eventually([&] { return worker.latest(1).has_value(); }));
  EXPECT_EQ(worker.latest(1)->frame, 7U);
  EXPECT_DOUBLE_EQ(worker.latest(1)->time, 0.25);
  EXPECT_FLOAT_EQ(worker.latest(1)->quality, 0.03F);
}

TEST(Worker, DropsWhatComesAfterForget) {
  std::promise<void> gate;
  auto open = gate.get_future().share();
  std::atomic<int> begun{0};
  InferenceWorker worker([&](const std::vector<FaceInput>& inputs) {
    ++begun;
    open.wait();
    return echo(inputs);
  });
  worker.submit({input(1, 0)});
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  worker.forget();
  gate.set_value();
  worker.submit({input(2, 9)});
  ASSERT_TRUE(eventually([&] { return worker.latest(2).has_value(); }));
  EXPECT_FALSE(worker.latest(1));
}

}  // namespace
}  // namespace fmpn::gst
