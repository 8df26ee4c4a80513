#pragma once

#include <c10/util/Exception.h>
#include <dnnl.hpp>

#include <fmpn/error.h>

namespace fmpn {

/// Turns what LibTorch and oneDNN throw into the library's one exception type.
template <typename F>
auto one_error(const F& body) {
  try {
    return body();
  } catch (const c10::Error& fault) {
    throw Error(ErrorCode::kRuntime, fault.what_without_backtrace());
  } catch (const dnnl::error& fault) {
    throw Error(ErrorCode::kRuntime, std::string("oneDNN: ") + fault.what());
  }
}

}  // namespace fmpn
