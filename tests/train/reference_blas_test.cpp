// The slow BLAS is told, once, and never where a fast one is in use.

#include "train_program.h"

namespace fmpn::train {
namespace {

constexpr const char* kReference = "/usr/lib/x86_64-linux-gnu/blas";

TEST_F(TrainProgram, WarnsOfTheReferenceBlasOnly) {
  if (!std::filesystem::exists(std::string(kReference) + "/libblas.so.3")) GTEST_SKIP() << kReference << " is not there";
  std::vector<std::string> slow = command({"info", model_});
  slow.insert(slow.begin(), {"env", std::string("LD_LIBRARY_PATH=") + kReference});
  const auto outcome = test::run_program(slow);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "libopenblas0-pthread")) << outcome.err;
  EXPECT_FALSE(contains(train({"info", model_}).err, "warning"));
}

}  // namespace
}  // namespace fmpn::train
