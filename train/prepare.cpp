// fmpn-train prepare: pictures → aligned crops and manifest.csv.

#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmpn/error.h>

#include "commands.h"
#include "image_folder.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string kind, root, out;
  AlignerOptions aligner;
};

void prepare(const Options& o) {
  auto rows = list_image_folder(o.root);
  std::vector<std::string> faults(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ManifestRow& row = rows[i];
    const fs::path folder = fs::path("crops") / (row.split.empty() ? "all" : row.split) / row.label;
    fs::create_directories(fs::path(o.out) / folder);
    row.path = (folder / (std::to_string(i) + "-" + fs::path(row.source).stem().string() + ".png")).string();
  }
  align_in_parallel(o.aligner, rows.size(), "align", [&](Aligner& aligner, std::size_t i) {
    try {
      const Image picture = read_image(rows[i].source);
      const StillCrop still = crop_still(aligner, picture.view());
      rows[i].aligned = still.aligned;
      write_image((fs::path(o.out) / rows[i].path).string(), still.crop.view());
    } catch (const Error& fault) {
      if (fault.code() == ErrorCode::kIo) throw;
      faults[i] = fault.what();  // one broken picture does not spoil the others
    }
  });
  std::vector<ManifestRow> kept;
  std::size_t unaligned = 0, failed = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!faults[i].empty()) {
      ++failed;
      std::fprintf(stderr, "skipped: %s\n", faults[i].c_str());
      continue;
    }
    unaligned += rows[i].aligned ? 0 : 1;
    kept.push_back(rows[i]);
  }
  if (kept.empty()) throw Error(ErrorCode::kBadFormat, o.root + ": not one picture could be read");
  write_manifest(o.out, kept);
  std::printf("%zu crops in %s, %zu without a found face (whole picture), %zu unreadable\n", kept.size(), o.out.c_str(), unaligned, failed);
}

}  // namespace

void add_prepare(CLI::App& app) {
  auto* command = app.add_subcommand("prepare", "Detect, align, write crops and manifest.csv");
  auto o = std::make_shared<Options>();
  command->add_option("kind", o->kind, "folder: ROOT/<class>/… or ROOT/<train|valid|test>/<class>/…")->required()->check(CLI::IsMember({"folder"}));
  command->add_option("root", o->root, "The data set's folder")->required();
  command->add_option("-o,--output", o->out, "Folder for crops and manifest.csv")->required();
  command->add_option("--crop-size", o->aligner.crop_size, "Side of the aligned crop in pixels")->capture_default_str();
  command->add_option("--landmark-model", o->aligner.landmark_model, "dlib shape predictor, 68 or 5 points");
  command->callback([o] { prepare(*o); });
}

}  // namespace fmpn::train
