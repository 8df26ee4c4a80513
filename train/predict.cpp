// fmpn-train predict: expressions of the faces in pictures.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include <fmpn/aligner.h>
#include <fmpn/engine.h>
#include <fmpn/error.h>

#include "commands.h"
#include "engine_arguments.h"
#include "files/json_text.h"
#include "npy.h"

namespace fmpn::train {
namespace {

struct Options {
  std::string model, dump_mask;
  std::vector<std::string> images;
  EngineOptions engine;
  AlignerOptions aligner;
  bool json = false, aligned = false;
};

void dump_mask(const std::string& path, const MotionMask& mask) {
  if (mask.empty()) throw Error(ErrorCode::kBadSetting, "--dump-mask: the model has no masks, or no face was found");
  if (path.size() > 4 && path.substr(path.size() - 4) == ".npy") return write_npy(path, mask);
  Image picture;
  picture.width = picture.height = mask.side;
  picture.format = PixelFormat::kGray8;
  for (const float v : mask.values) picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(v * 255)));
  write_image(path, picture.view());
}

nlohmann::ordered_json as_json(const AlignedFace& face, const Expression& e, const ModelInfo& info, bool located) {
  nlohmann::ordered_json out;
  if (located) {
    out["box"] = {face.box.x, face.box.y, face.box.width, face.box.height};
    for (const Point& p : face.landmarks) out["landmarks"].push_back({p.x, p.y});
    out["quality"] = face.quality;
  } else {
    out["box"] = nullptr;
    out["landmarks"] = nullptr;
    out["quality"] = nullptr;
  }
  const float confidence = e.probabilities[static_cast<std::size_t>(e.label_id)];
  out["label"] = info.classes[static_cast<std::size_t>(e.label_id)];
  out["uncertain"] = confidence < info.min_confidence;
  out["confidence"] = confidence;
  for (std::size_t i = 0; i < info.classes.size(); ++i) out["distribution"][info.classes[i]] = e.probabilities[i];
  out["logits"] = e.logits;
  return out;
}

void print_text(const std::string& path, const nlohmann::ordered_json& faces) {
  std::printf("%s: %zu face%s\n", path.c_str(), faces.size(), faces.size() == 1 ? "" : "s");
  for (const auto& face : faces) {
    std::printf("  %s%s %.2f ", face["label"].get<std::string>().c_str(), face["uncertain"].get<bool>() ? " (uncertain)" : "",
                face["confidence"].get<double>());
    for (const auto& [name, p] : face["distribution"].items()) std::printf(" %s %.2f", name.c_str(), p.get<double>());
    std::printf("\n");
  }
}

void predict(Options o) {
  const auto engine = Engine::load(o.model, o.engine);
  o.aligner.crop_size = engine->info().crop_size;
  std::unique_ptr<Aligner> aligner;
  if (!o.aligned) aligner = std::make_unique<Aligner>(o.aligner);
  std::vector<std::string> faults;
  MotionMask first_mask;
  for (const std::string& path : o.images) {
    try {
      Image picture = read_image(path);
      std::vector<AlignedFace> faces;
      if (o.aligned) {
        faces.emplace_back();
        faces[0].crop = std::move(picture);
      } else {
        faces = aligner->find_in_still(picture.view());
      }
      std::vector<ImageView> crops;
      for (const AlignedFace& face : faces) crops.push_back(face.crop.view());
      const auto expressions = engine->classify(crops);
      auto list = nlohmann::ordered_json::array();
      for (std::size_t i = 0; i < faces.size(); ++i) list.push_back(as_json(faces[i], expressions[i], engine->info(), !o.aligned));
      if (first_mask.empty() && !expressions.empty()) first_mask = expressions[0].mask;
      if (o.json) std::cout << json_text({{"image", path}, {"faces", list}}) << std::endl;
      else print_text(path, list);
    } catch (const Error& fault) {
      faults.push_back(o.aligned && fault.code() == ErrorCode::kBadSetting ? path + ": " + fault.what() : fault.what());
      if (o.json) std::cout << json_text({{"image", path}, {"error", faults.back()}}) << std::endl;
    }
  }
  if (!o.dump_mask.empty()) dump_mask(o.dump_mask, first_mask);
  if (faults.empty()) return;
  std::string all = std::to_string(faults.size()) + " of " + std::to_string(o.images.size()) + " pictures failed";
  for (const auto& fault : faults) all += "\n  " + fault;
  throw Error(ErrorCode::kBadFormat, all);
}

}  // namespace

void add_predict(CLI::App& app) {
  auto* c = app.add_subcommand("predict", "Expressions of the faces in pictures");
  auto o = std::make_shared<Options>();
  c->add_option("model", o->model, "Model file")->required();
  c->add_option("images", o->images, "Pictures")->required();
  c->add_flag("--json", o->json,
              "One JSON object a picture and line; label is the most probable class, uncertain says that the elements would not name it");
  c->add_flag("--aligned", o->aligned, "The pictures are crops already: side equal to the network's input, used as they are");
  c->add_option("--dump-mask", o->dump_mask, "Write the first face's motion mask: FILE.png or FILE.npy");
  c->add_option("--landmark-model", o->aligner.landmark_model, "dlib shape predictor, 68 or 5 points");
  add_engine_options(*c, o->engine);
  c->callback([o] { predict(*o); });
}

}  // namespace fmpn::train
