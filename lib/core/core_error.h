#pragma once

#include <exception>

#include <fmpn/error.h>

namespace fmpn {

/// Turns what OpenCV, dlib and the standard library throw into the library's one exception type.
template <typename F>
auto core_error(const F& body) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    throw Error(ErrorCode::kRuntime, fault.what());
  }
}

}  // namespace fmpn
