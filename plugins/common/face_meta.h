#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <gst/gst.h>

#include <fmpn/geometry.h>
#include <fmpn/image_view.h>
#include <fmpn/motion_mask.h>

namespace fmpn::gst {

/// What our elements know of a face and that is not text. Coordinates are those of the buffer's frame.
struct FaceData {
  std::optional<Landmarks> landmarks;  ///< none: the face is not aligned, and all that comes of it is empty
  Affine warp{};      ///< frame → crop
  int crop_side = 0;  ///< of the crop that `warp` leads to, also where that one was taken out; 0: no warp
  double score = 0;   ///< detector's
  float quality = 1;  ///< 0…1
  std::shared_ptr<const Image> crop;       ///< RGB; null: not made, or taken out
  std::shared_ptr<const MotionMask> mask;  ///< null: not made
  int mask_crop_side = 0;                  ///< the mask shows the centre of a crop of this side, which may not be `crop`'s
  int mask_frames_ago = 0;                 ///< 0: made of this very frame
  std::weak_ptr<const void> mask_maker;    ///< the engine that made the mask, which a buffer does not keep; only to be compared
  /// Where the face may be instead: a scaling that changes the picture's shape may have added borders, which metadata is not told.
  std::vector<Box> other_places;
};

}  // namespace fmpn::gst

/// Belongs to the GstVideoRegionOfInterestMeta with the same id. It survives copies of the buffer, and landmarks and warp
/// follow a scaling of the frame, through which the region's parameters are kept too.
struct GstFmpnFaceMeta {
  GstMeta meta;
  gint region_id;
  fmpn::gst::FaceData* data;  ///< never null
};

G_BEGIN_DECLS
GType gst_fmpn_face_meta_api_get_type();
const GstMetaInfo* gst_fmpn_face_meta_get_info();
G_END_DECLS

namespace fmpn::gst {

/// Adds a meta to a writable buffer.
GstFmpnFaceMeta* add_face_meta(GstBuffer* buffer, int region_id, FaceData data);

/// The meta of a region; null where there is none.
GstFmpnFaceMeta* find_face_meta(GstBuffer* buffer, int region_id);

/// Takes the pictures of the faces from a writable buffer's metas.
void drop_crops(GstBuffer* buffer);

}  // namespace fmpn::gst
