#include "canvas.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

namespace fmpn::train {
namespace {

TEST(Canvas, ATextThatIsNoUtf8IsDrawnAndSoIsWhatFollows) {
  const auto dark_pixels = [](const std::string& first) {
    Canvas canvas(120, 40);
    canvas.text(5, 10, first, 10, kInk);
    canvas.text(5, 30, "what follows", 10, kInk);
    const Image picture = canvas.image();
    const auto half = picture.pixels.begin() + static_cast<std::ptrdiff_t>(picture.pixels.size() / 2);
    const auto dark = [](std::uint8_t value) { return value < 128; };
    return std::pair(std::count_if(picture.pixels.begin(), half, dark), std::count_if(half, picture.pixels.end(), dark));
  };
  const auto good = dark_pixels("café"), odd = dark_pixels("caf\xe9");
  EXPECT_GT(good.first, 0);
  EXPECT_GT(odd.first, 0);
  EXPECT_EQ(odd.second, good.second);
}

}  // namespace
}  // namespace fmpn::train
