/**
 * SECTION:element-fmpnmask
 * @title: fmpnmask
 * @short_description: generates the facial-motion mask of each aligned face
 *
 * Runs the facial-motion mask generator (FMG) of the model on every face that fmpnalign has found, and keeps the mask in the
 * face's own meta: S×S values in 0…1 over the centre of the aligned face, 1 where it has moved most from neutral. fmpnclassify
 * with the same model uses the mask instead of making it again; fmpnoverlay draws it.
 *
 * ## Example
 * |[
 * gst-launch-1.0 v4l2src ! fmpnalign ! fmpnmask ! fmpnoverlay show-mask=true ! autovideosink
 * ]|
 */
#include "gstfmpnmask.h"

#include <utility>

#include <fmpn/error.h>

using namespace fmpn;
using namespace fmpn::gst;

struct _GstFmpnMask {
  GstFmpnInference parent;
};

G_DEFINE_TYPE(GstFmpnMask, gst_fmpn_mask, GST_TYPE_FMPN_INFERENCE)
GST_ELEMENT_REGISTER_DEFINE(fmpnmask, "fmpnmask", GST_RANK_NONE, GST_TYPE_FMPN_MASK)

static void gst_fmpn_mask_begin(GstFmpnInference*, const ModelInfo& model) {
  if (!model.uses_masks)
    throw Error(ErrorCode::kBadSetting, "model '" + model.name + "' has no mask generator (it was trained as baseline)");
}

static std::vector<NetResult> gst_fmpn_mask_infer(const Engine& engine, const std::vector<FaceInput>& inputs) {
  std::vector<ImageView> crops;
  for (const FaceInput& input : inputs) crops.push_back(input.crop->view());
  std::vector<NetResult> results;
  for (MotionMask& mask : engine.generate_masks(crops)) results.push_back({{}, std::make_shared<const MotionMask>(std::move(mask))});
  return results;
}

static void gst_fmpn_mask_attach(GstFmpnInference* base, GstBuffer* buffer, const FaceAnnotation& face, const FaceResult& result,
                                 int frames_ago) {
  attach_mask(buffer, face.region_id, result.net.mask, result.crop_side, frames_ago, engine_of(base));
}

static void gst_fmpn_mask_class_init(GstFmpnMaskClass* klass) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Facial motion mask", "Filter/Analyzer/Video",
                                        "Generates where each aligned face has moved from neutral", "FMPN");
  auto* inference = GST_FMPN_INFERENCE_CLASS(klass);
  inference->begin = gst_fmpn_mask_begin;
  inference->infer = gst_fmpn_mask_infer;
  inference->attach = gst_fmpn_mask_attach;
  inference->begin_frame = [](GstFmpnInference*, double) {};
  inference->end_frame = [](GstFmpnInference*) {};
  inference->end_stream = [](GstFmpnInference*) {};
}

static void gst_fmpn_mask_init(GstFmpnMask*) {}
