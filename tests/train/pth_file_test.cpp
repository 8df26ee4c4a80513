// Checkpoints of PyTorch are read without trusting them.

#include "pth_file.h"

#include <functional>

#include <gtest/gtest.h>

#include <fmpn/aligner.h>

#include "expect_error.h"
#include "python_checkpoints.h"

namespace fmpn::train {
namespace {

using test::expect_error;
using namespace std::string_literals;

void expect_same(const SafeTensors& a, const SafeTensors& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [key, tensor] : a.tensors) {
    ASSERT_EQ(b.tensors.count(key), 1U) << key;
    EXPECT_EQ(tensor.dtype, b.tensors.at(key).dtype) << key;
    EXPECT_EQ(tensor.shape, b.tensors.at(key).shape) << key;
    EXPECT_EQ(tensor.bytes, b.tensors.at(key).bytes) << key;
  }
}

class PythonPth : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    Image face;
    face.width = face.height = 75;
    face.pixels.assign(75 * 75 * 3, 100);
    write_image(file("face.png"), face.view());
    outcome_ = test::run_checkpoints("small", folder_->path().string(), file("face.png"));
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (outcome_.status == 77 || outcome_.status == 127)
      GTEST_SKIP() << "python3-torch or python3-torchvision is not installed: " << outcome_.out;
    ASSERT_EQ(outcome_.status, 0) << outcome_.err;
  }
  static std::string file(const std::string& name) { return folder_->file(name); }

  static void refused(const std::string& name, const std::vector<std::string>& parts) {
    auto all = parts;
    all.push_back(file(name));
    expect_error(ErrorCode::kBadFormat, all, [&] { read_pth(file(name)); });
  }

  /// Reads what `change` makes of a file: it is read or refused, nothing else. Returns how often it was refused.
  static int refusals(const std::string& text, std::size_t count, const std::function<std::string(std::size_t)>& change) {
    int refused = 0;
    const std::string path = file("changed.pth");
    EXPECT_FALSE(text.empty());
    for (std::size_t i = 0; i < count; ++i) {
      test::write_text(path, change(i));
      try {
        read_pth(path);
      } catch (const Error& fault) {
        EXPECT_EQ(static_cast<int>(fault.code()), static_cast<int>(ErrorCode::kBadFormat)) << fault.what();
        ++refused;
      }
    }
    return refused;
  }

  static inline std::unique_ptr<test::TemporaryFolder> folder_;
  static inline test::Outcome outcome_;
};

TEST_F(PythonPth, EveryKindOfStateDict) {
  const SafeTensors expected = read_safetensors(file("small.safetensors"));
  EXPECT_EQ(expected.tensors.size(), 9U);
  for (const char* name : {"small_zip.pth", "small_old.pth", "module_zip.pth", "checkpoint_zip.pth", "checkpoint_old.pth"}) {
    SCOPED_TRACE(name);
    expect_same(expected, read_pth(file(name)));
    expect_same(expected, read_weights(file(name)));
  }
  expect_same(expected, read_weights(file("small.safetensors")));
  expect_same(read_safetensors(file("parameters.safetensors")), read_pth(file("parameters_zip.pth")));
}

TEST_F(PythonPth, WhatIsNoStateDictIsNamed) {
  refused("two_zip.pth", {"several state dicts"});
  refused("whole_zip.pth", {"'torch.nn.modules.container Sequential'"});
  refused("command_zip.pth", {"'posix system'"});
  refused("command_old.pth", {"'posix system'"});
  refused("protocol4_zip.pth", {"protocol 4"});
  EXPECT_FALSE(std::filesystem::exists("executed"));
}

TEST_F(PythonPth, TruncatedAtEveryLength) {
  for (const char* name : {"small_zip.pth", "small_old.pth"}) {
    const std::string text = test::read_text(file(name));
    EXPECT_EQ(refusals(text, text.size(), [&](std::size_t i) { return text.substr(0, i); }), static_cast<int>(text.size())) << name;
  }
}

TEST_F(PythonPth, EveryByteChangedIsReadOrRefused) {
  for (const char* name : {"small_zip.pth", "small_old.pth"}) {
    const std::string text = test::read_text(file(name));
    const int refused = refusals(text, text.size(), [&](std::size_t i) {
      constexpr unsigned char kBits[] = {0x01, 0x80, 0xff};
      std::string changed = text;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ kBits[i % 3]);
      return changed;
    });
    EXPECT_GT(refused, static_cast<int>(text.size() / 4)) << name;
  }
}

// A file of the old format, made by hand: these need no Python.
class HandMadePth : public ::testing::Test {
 protected:
  static constexpr std::string_view kHead{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.", 25};
  static std::string text(const std::string& s) { return "X"s + static_cast<char>(s.size()) + "\0\0\0"s + s; }
  static std::string storage(const std::string& count = "K\x02"s) {
    return "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + count + "NtQ";
  }
  /// {"w": tensor(storage, offset 0, shape, strides, False, {})}
  static std::string tensor(const std::string& shape = "K\x02\x85"s, const std::string& strides = "K\x01\x85"s,
                            const std::string& from = storage(), const std::string& offset = "K\0"s) {
    return "}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n(" + from + offset + shape + strides + "\x89}tRs";
  }
  static std::string numbers() { return "\2\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40"s; }
  static std::string file_of(const std::string& object, const std::string& body = numbers(),
                             const std::string& keys = "(" + text("0") + "e") {
    return std::string(kHead) + "\x80\x02" + object + "." + "\x80\x02]" + keys + "." + body;
  }
  SafeTensors read(const std::string& content) {
    test::write_text(path_, content);
    return read_pth(path_);
  }
  void refused(const std::string& content, const std::string& part) {
    expect_error(ErrorCode::kBadFormat, {path_, part}, [&] { read(content); });
  }
  test::TemporaryFolder folder_;
  std::string path_ = folder_.file("hand.pth");
};

TEST_F(HandMadePth, IsRead) {
  const SafeTensors content = read(file_of(tensor()));
  ASSERT_EQ(content.tensors.size(), 1U);
  EXPECT_EQ(content.tensors.at("w").shape, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(content.tensors.at("w").bytes, (std::vector<std::uint8_t>{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}));
}

TEST_F(HandMadePth, InstructionsAndGlobalsThatDoNotBelong) {
  for (const char instruction :
       {'i', 'o', 'P', 'I', 'S', 'V', 'F', 'L', 'd', 'l', '0', '1', '2', '\x81', '\x82', '\x93', '\x94', '\x95', '\xff'}) {
    SCOPED_TRACE(static_cast<int>(static_cast<unsigned char>(instruction)));
    refused(file_of(std::string(1, instruction) + "junk\njunk\n"), "instruction");
  }
  refused(file_of("cos\nsystem\n(" + text("true") + "tR"), "'os system'");
  refused(file_of("cbuiltins\neval\n"), "'builtins eval'");
  refused(file_of("ctorch._utils\n_rebuild_tensor_v3\n"), "_rebuild_tensor_v3");
  refused(file_of("ctorch\nFloatStorage\n)R"), "call of 'torch FloatStorage'");
  refused(file_of("ccollections\nOrderedDict\n" + text("x") + "\x85R"), "OrderedDict");
  refused(file_of("N)R"), "no function");
  refused(file_of("}Nb"), "attributes");
  refused(file_of("c" + std::string(300, 'a')), "global");
}

TEST_F(HandMadePth, MachineStatesThatAreNone) {
  for (const char* object : {"",  "NN", "(", "(N", "t",     "e",     "u",         "s",   "}(Nu", "Ns",    "]a",
                             "R", "b",  "Q", "NQ", "q\x01", "h\x01", "j\1\1\1\1", "}}e", "\x85", "(N\x85"})
    refused(file_of(object), "not a file of weights");
  refused(file_of("X\xff\xff\xff\xff"), "ends too early");
  refused(file_of("T\xff\xff\xff\x7f"), "ends too early");
  refused(file_of("]"), "no state dict");
  refused(file_of("}"), "no tensor");
}

TEST_F(HandMadePth, LengthsThatLie) {
  const std::string huge = "J\xff\xff\xff\x7f", negative = "J\xff\xff\xff\xff", max = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"s;
  refused(file_of(tensor("K\3\x85"s)), "beyond its storage");
  refused(file_of(tensor(huge + "\x85", "K\1\x85"s)), "larger than the file");
  refused(file_of(tensor(huge + huge + huge + "\x87", "K\0K\0K\0\x87"s)), "larger than the file");
  refused(file_of(tensor("K\xc8K\xc8\x86", "K\0K\0\x86"s)), "larger than the file");
  refused(file_of(tensor("K\x64\x85", "K\0\x85"s)), "more bytes than it has");
  refused(file_of(tensor("K\2\x85"s, max + "\x85")), "beyond its storage");
  refused(file_of(tensor("K\2\x85"s, "K\2\x85"s)), "beyond its storage");
  refused(file_of(tensor("K\2\x85"s, "K\1\x85"s, storage(), max)), "beyond its storage");
  refused(file_of(tensor(negative + "\x85")), "side or stride");
  refused(file_of(tensor("K\2\x85"s, negative + "\x85")), "side or stride");
  refused(file_of(tensor("K\2\x85"s, "K\1\x85"s, storage(), negative)), "not described");
  refused(file_of(tensor("K\2\x85"s, "K\1K\1\x86"s)), "not described");
  refused(file_of(tensor("K\2\x85"s, "K\1\x85"s, storage(huge))), "shorter than its tensors need");
  refused(file_of(tensor("K\2\x85"s, "K\1\x85"s, storage(negative))), "storage is not described");
  refused(file_of(tensor(), "\xff\xff\xff\xff\xff\xff\xff\xff"), "ends within storage '0'");
  refused(file_of(tensor(), "\3\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40"s), "ends within storage '0'");
  refused(file_of(tensor(), ""), "ends before storage '0'");
  refused(file_of(tensor(), numbers(), ""), "storage '0' is missing");
  refused(file_of(tensor(), numbers(), "(" + text("7") + "e"), "storage '7' belongs to no tensor");
}

// Objects nested as deep as the file is long must not use up the stack.
TEST_F(HandMadePth, DeepNesting) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += '(';
  refused(file_of(deep), "middle of an object");
  std::string tuples = ")";
  for (int i = 0; i < 200'000; ++i) tuples += '\x85';
  refused(file_of(tuples), "no state dict");
}

TEST_F(HandMadePth, OtherFiles) {
  for (const char* content : {"", "a text", "PK\3\4 but no archive", "\x80", "\x80\x02", "\x80\x02}."})
    refused(content, "not a file of weights");
  const std::string missing = folder_.file("missing");
  expect_error(ErrorCode::kNotFound, {missing}, [&] { read_pth(missing); });
  expect_error(ErrorCode::kNotFound, {folder_.path().string()}, [&] { read_weights(folder_.path().string()); });
}

}  // namespace
}  // namespace fmpn::train
