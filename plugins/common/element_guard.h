#pragma once

#include <string>
#include <utility>

#include <gst/gst.h>

#include <fmpn/error.h>

namespace fmpn::gst {

/// A place in the source, by default the one that asks; C++20's std::source_location is not to be had here.
struct SourcePlace {
  const char* file;
  const char* function;
  int line;
  static constexpr SourcePlace here(const char* file = __builtin_FILE(), const char* function = __builtin_FUNCTION(),
                                    int line = __builtin_LINE()) {
    return {file, function, line};
  }
};

/// Posts `fault` as the element's error: what happened to which thing first, then in which vfunc.
/// Takes the object lock: never call it with that lock held.
void post_error(GstElement* element, const Error& fault, const SourcePlace& place = SourcePlace::here());

/// Runs the body of a vfunc that may throw; no exception leaves it. The only place of the plugins that handles one.
template <class R, class F>
R guarded(GstElement* element, R fallback, F&& body, const SourcePlace& place = SourcePlace::here()) {
  try {
    return std::forward<F>(body)();
  } catch (const Error& fault) {
    post_error(element, fault, place);
  } catch (const std::exception& fault) {
    post_error(element, Error(ErrorCode::kRuntime, fault.what()), place);
  }
  return fallback;
}

}  // namespace fmpn::gst
