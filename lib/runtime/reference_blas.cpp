#include <filesystem>
#include <string>
#include <system_error>

#include <dlfcn.h>

#include <fmpn/engine.h>

namespace fmpn {

std::string reference_blas() {
  // LibTorch calls BLAS through its Fortran names; which library has them is Debian's alternatives' choice.
  void* product = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info where{};
  if (product == nullptr || dladdr(product, &where) == 0 || where.dli_fname == nullptr) return "";
  std::error_code fault;
  const auto file = std::filesystem::canonical(where.dli_fname, fault);
  // The reference implementation lies in …/blas, the others in folders of their own (openblas-pthread, atlas, blis-…).
  return !fault && file.parent_path().filename() == "blas" ? file.string() : "";
}

}  // namespace fmpn
