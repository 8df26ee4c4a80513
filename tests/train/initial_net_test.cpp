// What a run begins with.
#include "initial_net.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace fmpn::train {
namespace {

FitOptions options(bool uses_masks, std::uint64_t seed, const std::string& initialisation) {
  FitOptions o;
  o.model.classes = {"happiness", "sadness"};
  o.model.cn = "resnet18", o.model.cn_width = 4, o.model.cn_stem = "small", o.model.fmg_width = 2;
  o.model.input_size = 16, o.model.crop_size = 20;
  o.model.uses_masks = uses_masks;
  o.seed = seed;
  o.initialisation = initialisation;
  return o;
}

TEST(InitialNet, OneSeedStartsCnAlikeWithMasksAndWithout) {
  for (const char* initialisation : {"published", "scratch"}) {
    const FmpnNet guided = initial_net(options(true, 7, initialisation)), alone = initial_net(options(false, 7, initialisation)),
                  other = initial_net(options(true, 8, initialisation));
    const auto a = guided->cn->parameters(), b = alone->cn->parameters(), c = other->cn->parameters();
    ASSERT_EQ(a.size(), b.size());
    bool differs = false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(torch::equal(a[i], b[i])) << initialisation << ' ' << i;
      differs = differs || !torch::equal(a[i], c[i]);
    }
    EXPECT_TRUE(differs) << "another seed draws other weights";
  }
}

}  // namespace
}  // namespace fmpn::train
