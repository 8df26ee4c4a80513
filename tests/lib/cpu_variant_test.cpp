// fmpn-core is built twice on x86-64; ld.so takes the one for AVX2 where the CPU has it. Both must see the same faces.

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "photograph.h"
#include "run_program.h"

namespace fmpn::test {
namespace {

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

std::string loaded_core() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("libfmpn-core.so") != std::string::npos) return line.substr(line.find('/'));
  return "";
}

/// Everything that is known of the photograph's faces, to the last bit.
std::string faces_of_photograph() {
  std::string text;
  Aligner aligner({});
  for (const AlignedFace& face : aligner.find(read_image(photograph_path()).view())) {
    char line[200];
    std::snprintf(line, sizeof line, "%a %a %a %a score %a quality %a", static_cast<double>(face.box.x), static_cast<double>(face.box.y),
                  static_cast<double>(face.box.width), static_cast<double>(face.box.height), face.score, static_cast<double>(face.quality));
    text += line;
    for (const Point& p : face.landmarks) {
      std::snprintf(line, sizeof line, " %a,%a", static_cast<double>(p.x), static_cast<double>(p.y));
      text += line;
    }
    std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a of the crop
    for (const std::uint8_t value : face.crop.pixels) hash = (hash ^ value) * 1099511628211ULL;
    text += " crop " + std::to_string(hash) + "\n";
  }
  return text;
}

class CpuVariant : public PhotographTest {
 protected:
  void SetUp() override {
    PhotographTest::SetUp();
    if (IsSkipped()) return;
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
      GTEST_SKIP() << "this CPU has no x86-64-v3";
#else
    GTEST_SKIP() << "one build only on this architecture";
#endif
    if (!std::filesystem::exists(kLoader)) GTEST_SKIP() << kLoader << " is not there";
  }
};

TEST_F(CpuVariant, TheLoaderTakesTheFastOne) {
  EXPECT_NE(loaded_core().find("/glibc-hwcaps/x86-64-v3/"), std::string::npos) << loaded_core();
}

TEST_F(CpuVariant, BothSeeTheSameFacesBitForBit) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const Outcome plain = run_program({kLoader, "--glibc-hwcaps-mask", "x86-64-v2", self, "--print"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(plain.out.find("/glibc-hwcaps/"), std::string::npos) << plain.out;
  const std::string faces = faces_of_photograph();
  EXPECT_FALSE(faces.empty());
  EXPECT_EQ(plain.out.substr(plain.out.find('\n') + 1), faces);
}

}  // namespace
}  // namespace fmpn::test

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--print") == 0) {
    std::printf("%s\n%s", fmpn::test::loaded_core().c_str(), fmpn::test::faces_of_photograph().c_str());
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
