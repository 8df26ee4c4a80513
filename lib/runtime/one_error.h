#pragma once

#include <exception>

#include <c10/util/Exception.h>
#include <dnnl.hpp>

#include <fmpn/error.h>

namespace fmpn {

/// Turns what LibTorch, oneDNN, OpenCV and the standard library throw into the library's one exception type.
template <typename F>
auto one_error(const F& body) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& fault) {
    throw Error(ErrorCode::kRuntime, fault.what_without_backtrace());
  } catch (const dnnl::error& fault) {
    throw Error(ErrorCode::kRuntime, std::string("oneDNN: ") + fault.what());
  } catch (const std::exception& fault) {
    throw Error(ErrorCode::kRuntime, fault.what());
  }
}

}  // namespace fmpn
