#pragma once

#include <string>
#include <utility>

#include <gst/gst.h>

#include <fmpn/error.h>

namespace fmpn::gst {

/// Posts `fault` as the element's error: what happened to which thing first, then where.
/// Takes the object lock: never call it with that lock held.
void post_error(GstElement* element, const Error& fault);

/// Runs the body of a vfunc that may throw; no exception leaves it. The only place of the plugins that handles one.
template <class R, class F>
R guarded(GstElement* element, R fallback, F&& body) {
  try {
    return std::forward<F>(body)();
  } catch (const Error& fault) {
    post_error(element, fault);
  } catch (const std::exception& fault) {
    post_error(element, Error(ErrorCode::kRuntime, fault.what()));
  }
  return fallback;
}

}  // namespace fmpn::gst
