// lib-nn-avx2: the same tests once more, with oneDNN held to AVX2. They say something new only where the CPU has more.

#include <cstdlib>
#include <string_view>

#include <gtest/gtest.h>

#if defined(__x86_64__)
namespace {

struct HeldToAvx2 : testing::Environment {
  void SetUp() override {
    const char* isa = std::getenv("ONEDNN_MAX_CPU_ISA");
    if (isa != nullptr && std::string_view(isa) == "AVX2" && !__builtin_cpu_supports("avx512f"))
      GTEST_SKIP() << "this CPU has no AVX-512: lib-nn has run these already";
  }
};
[[maybe_unused]] const auto* const held_to_avx2 = testing::AddGlobalTestEnvironment(new HeldToAvx2);

}  // namespace
#endif
