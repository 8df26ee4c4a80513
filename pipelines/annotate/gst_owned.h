#pragma once

#include <memory>

#include <gst/gst.h>

namespace fmpn::annotate {

struct Unref {
  void operator()(gpointer object) const { gst_object_unref(object); }
};
/// A reference to a GStreamer object that ends with its scope.
template <class T>
using Owned = std::unique_ptr<T, Unref>;

}  // namespace fmpn::annotate
