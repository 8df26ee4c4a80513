#include "dlib_detector.h"

#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/opencv.h>

namespace fmpn::bench {

std::vector<Box> dlib_faces(const cv::Mat& gray) {
  static dlib::frontal_face_detector detector = dlib::get_frontal_face_detector();
  std::vector<Box> boxes;
  for (const dlib::rectangle& r : detector(dlib::cv_image<unsigned char>(gray)))
    boxes.push_back({static_cast<float>(r.left()), static_cast<float>(r.top()), static_cast<float>(r.width()), static_cast<float>(r.height())});
  return boxes;
}

}  // namespace fmpn::bench
