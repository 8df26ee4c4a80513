#pragma once

#include <c10/util/Exception.h>
#include <dnnl.hpp>

#include <fmpn/error.h>

#include "core/core_error.h"

namespace fmpn {

/// core_error(), and what LibTorch and oneDNN throw.
template <typename F>
auto one_error(const F& body) {
  return core_error([&] {
    try {
      return body();
    } catch (const c10::Error& fault) {
      throw Error(ErrorCode::kRuntime, fault.what_without_backtrace());
    } catch (const dnnl::error& fault) {
      throw Error(ErrorCode::kRuntime, std::string("oneDNN: ") + fault.what());
    }
  });
}

}  // namespace fmpn
