#pragma once

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fmpn/image_view.h>

#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::train {

/// Tests that run the built fmpn-train with the tiny model.
class TrainProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("FMPN_TRAIN") == nullptr || std::getenv("FMPN_TINY_MODEL") == nullptr)
      GTEST_SKIP() << "FMPN_TRAIN and FMPN_TINY_MODEL are not set (run through meson test)";
    model_ = std::getenv("FMPN_TINY_MODEL");
  }
  static std::vector<std::string> command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::getenv("FMPN_TRAIN"));
    return arguments;
  }
  static test::Outcome train(const std::vector<std::string>& arguments) { return test::run_program(command(arguments)); }

  std::string file(const std::string& name) const { return folder_.file(name); }

  test::TemporaryFolder folder_;
  std::string model_;
};

inline Image noise(int side, unsigned seed) {
  Image image;
  image.width = image.height = side;
  std::mt19937 generator(seed);
  for (int i = 0; i < side * side * 3; ++i) image.pixels.push_back(static_cast<std::uint8_t>(generator() & 0xff));
  return image;
}

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(nlohmann::json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  return lines;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace fmpn::train
