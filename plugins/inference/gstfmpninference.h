#pragma once

#include <memory>
#include <vector>

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <fmpn/engine.h>

#include "common/face_annotation.h"
#include "inference_worker.h"

G_BEGIN_DECLS

/// What fmpnmask and fmpnclassify share: the model, crops of its size, inference in step with the stream or beside it.
#define GST_TYPE_FMPN_INFERENCE (gst_fmpn_inference_get_type())
G_DECLARE_DERIVABLE_TYPE(GstFmpnInference, gst_fmpn_inference, GST, FMPN_INFERENCE, GstBaseTransform)

/// The vfuncs run under the guard of the base class and may throw.
struct _GstFmpnInferenceClass {
  GstBaseTransformClass parent_class;

  /// A new run begins with this model.
  void (*begin)(GstFmpnInference* self, const fmpn::ModelInfo& model);

  /// The networks' part, a result for each input. May run on the worker thread: touches nothing but the engine.
  std::vector<fmpn::gst::NetResult> (*infer)(const fmpn::Engine& engine, const std::vector<fmpn::gst::FaceInput>& inputs);

  /// A frame, or a gap, of this running time in seconds comes.
  void (*begin_frame)(GstFmpnInference* self, double time);

  /// Writes one face's result on a writable buffer. `frames_ago` 0: of this very frame.
  void (*attach)(GstFmpnInference* self, GstBuffer* buffer, const fmpn::gst::FaceAnnotation& face,
                 const fmpn::gst::FaceResult& result, int frames_ago);

  /// All faces of the frame are done.
  void (*end_frame)(GstFmpnInference* self);

  /// The stream is at its end, is stopped, or jumps elsewhere (flush, a segment from elsewhere): every face is gone.
  void (*end_stream)(GstFmpnInference* self);
};

G_END_DECLS

namespace fmpn::gst {

/// The model of this run.
const std::shared_ptr<const Engine>& engine_of(GstFmpnInference* self);

}  // namespace fmpn::gst
