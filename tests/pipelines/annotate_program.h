#pragma once

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "media.h"
#include "run_program.h"
#include "temporary_folder.h"

namespace fmpn::test {

/// Tests that run the built fmpn-annotate on small films of the photograph.
class AnnotateProgram : public PhotographTest {
 protected:
  void SetUp() override {
    ASSERT_NE(std::getenv("FMPN_ANNOTATE"), nullptr) << "run through meson test";
    PhotographTest::SetUp();
  }

  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string out(const std::string& name = "") const { return folder_.file("out" + (name.empty() ? "" : "/" + name)); }
  bool is_there(const std::string& name) const { return std::filesystem::exists(out(name)); }

  /// The command line with `-o OUT`; inputs that are files of the test's folder are given their path.
  std::vector<std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> line{std::getenv("FMPN_ANNOTATE"), "-o", out()};
    for (const std::string& argument : arguments) line.push_back(std::filesystem::exists(file(argument)) ? file(argument) : argument);
    return line;
  }
  Outcome annotate(const std::vector<std::string>& arguments) const { return run_program(command(arguments)); }

  nlohmann::json json(const std::string& name) const { return nlohmann::json::parse(read_text(out(name))); }

  std::vector<std::string> lines(const std::string& name) const {
    std::vector<std::string> result;
    std::istringstream text(read_text(out(name)));
    for (std::string line; std::getline(text, line);) result.push_back(line);
    return result;
  }

  static bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  const TemporaryFolder folder_;
};

}  // namespace fmpn::test
