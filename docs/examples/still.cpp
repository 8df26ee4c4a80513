// Prints the expression of every face in a picture:
//
//   c++ -std=c++17 still.cpp $(pkg-config --cflags --libs fmpn) -o still
//   ./still portrait.jpg [MODEL]
#include <cstdio>
#include <vector>

#include <fmpn/aligner.h>
#include <fmpn/engine.h>
#include <fmpn/error.h>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: still PICTURE [MODEL]\n");
    return 2;
  }
  try {
    const auto engine = fmpn::Engine::load(argc > 2 ? argv[2] : fmpn::default_model());
    const fmpn::ModelInfo& model = engine->info();
    fmpn::AlignerOptions options;
    options.crop_size = model.crop_size;
    fmpn::Aligner aligner(options);

    const fmpn::Image picture = fmpn::read_image(argv[1]);
    const std::vector<fmpn::AlignedFace> faces = aligner.find(picture.view());
    std::vector<fmpn::ImageView> crops;
    for (const fmpn::AlignedFace& face : faces) crops.push_back(face.crop.view());
    const std::vector<fmpn::Expression> expressions = engine->classify(crops);  // all faces at once

    for (std::size_t i = 0; i < faces.size(); ++i) {
      const auto best = static_cast<std::size_t>(expressions[i].label_id);
      const double confidence = expressions[i].probabilities[best];
      // As fmpnclassify abstains: where the model is not sure, and where the face is too small, blurred or turned away.
      const bool judged = confidence >= model.min_confidence && faces[i].quality >= 0.1F;
      std::printf("%.0f,%.0f %.0fx%.0f %s %.3f\n", faces[i].box.x, faces[i].box.y, faces[i].box.width, faces[i].box.height,
                  judged ? model.classes[best].c_str() : "uncertain", confidence);
    }
    return 0;
  } catch (const fmpn::Error& fault) {
    std::fprintf(stderr, "still: %s\n", fault.what());
    return 1;
  }
}
