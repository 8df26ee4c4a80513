#include "plain_loop.h"

#include <array>
#include <filesystem>
#include <vector>

#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/opencv.h>
#include <opencv2/calib3d.hpp>
#include <opencv2/imgproc.hpp>
#include <torch/types.h>

#include <fmpn/error.h>

#include "runtime/model_file.h"

namespace fmpn::bench {
namespace {

std::array<cv::Point2f, 5> five_points(const dlib::full_object_detection& shape) {
  const auto mean = [&](unsigned long first, unsigned long last) {
    cv::Point2f sum;
    for (unsigned long i = first; i <= last; ++i)
      sum += cv::Point2f(static_cast<float>(shape.part(i).x()), static_cast<float>(shape.part(i).y()));
    return sum / static_cast<float>(last - first + 1);
  };
  return {mean(36, 41), mean(42, 47), mean(30, 30), mean(48, 48), mean(54, 54)};
}

void draw(cv::Mat& bgr, const dlib::rectangle& box, const ModelInfo& info, const torch::Tensor& probabilities) {
  const cv::Rect area(static_cast<int>(box.left()), static_cast<int>(box.top()), static_cast<int>(box.width()),
                      static_cast<int>(box.height()));
  const cv::Scalar colour(0, 200, 255);
  cv::rectangle(bgr, area, colour, 3);
  const float* p = probabilities.data_ptr<float>();
  const auto best = static_cast<std::size_t>(std::max_element(p, p + info.classes.size()) - p);
  cv::putText(bgr, info.classes[best] + " " + std::to_string(static_cast<int>(100 * p[best])) + "%", {area.x, area.y - 8},
              cv::FONT_HERSHEY_SIMPLEX, 0.8, colour, 2, cv::LINE_AA);
  for (std::size_t i = 0; i < info.classes.size(); ++i) {
    const int top = area.y + static_cast<int>(i) * 22, right = area.x + area.width;
    cv::rectangle(bgr, {right + 8, top, 1 + static_cast<int>(120 * p[i]), 16}, colour, cv::FILLED);
    cv::putText(bgr, info.classes[i], {right + 10, top + 13}, cv::FONT_HERSHEY_SIMPLEX, 0.45, {255, 255, 255}, 1, cv::LINE_AA);
  }
}

}  // namespace

struct PlainLoop::State {
  LoadedModel model;
  dlib::frontal_face_detector detector = dlib::get_frontal_face_detector();
  dlib::shape_predictor predictor;
  std::vector<cv::Point2f> standard;
  cv::Mat bgr;

  torch::Tensor input(const cv::Mat& luma, const dlib::full_object_detection& shape) const {
    const auto points = five_points(shape);
    const cv::Mat warp = cv::estimateAffinePartial2D(std::vector<cv::Point2f>(points.begin(), points.end()), standard);
    const ModelInfo& info = model.info;
    cv::Mat crop, picture;
    cv::warpAffine(info.color == "gray" ? luma : bgr, crop, warp, {info.crop_size, info.crop_size}, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    cv::cvtColor(crop, crop, crop.channels() == 1 ? cv::COLOR_GRAY2RGB : cv::COLOR_BGR2RGB);
    const int offset = (info.crop_size - info.input_size) / 2;
    crop(cv::Rect(offset, offset, info.input_size, info.input_size)).convertTo(picture, CV_32FC3, 1 / 255.0);
    return torch::from_blob(picture.data, {1, info.input_size, info.input_size, 3}).permute({0, 3, 1, 2}).contiguous();
  }
};

PlainLoop::PlainLoop(const std::string& model, const std::string& landmark_model) : state_(std::make_unique<State>()) {
  state_->model = load_model(model);
  if (!std::filesystem::exists(landmark_model)) throw Error(ErrorCode::kNotFound, landmark_model + ": no such landmark model");
  dlib::deserialize(landmark_model) >> state_->predictor;
  for (const Point& point : state_->model.info.crop_template)
    state_->standard.emplace_back(point.x * static_cast<float>(state_->model.info.crop_size),
                                  point.y * static_cast<float>(state_->model.info.crop_size));
}

PlainLoop::~PlainLoop() = default;

int PlainLoop::annotate(const GstVideoInfo& info, GstBuffer* frame) {
  State& s = *state_;
  GstMapInfo map;
  if (!gst_buffer_map(frame, &map, GST_MAP_READ)) throw Error(ErrorCode::kRuntime, "a frame cannot be mapped");
  const cv::Mat yuv(info.height * 3 / 2, info.width, CV_8UC1, map.data), luma = yuv.rowRange(0, info.height);
  cv::cvtColor(yuv, s.bgr, cv::COLOR_YUV2BGR_I420);
  const dlib::cv_image<unsigned char> gray(luma);
  const torch::NoGradGuard no_grad;
  int count = 0;
  for (const dlib::rectangle& box : s.detector(gray)) {
    const auto output = s.model.net->forward(s.input(luma, s.predictor(gray, box)));
    draw(s.bgr, box, s.model.info, torch::softmax(output.logits / s.model.info.temperature, 1).contiguous());
    ++count;
  }
  gst_buffer_unmap(frame, &map);
  return count;
}

}  // namespace fmpn::bench
