#include "runtime/safetensors.h"

#include <sys/stat.h>

#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include "expect_error.h"
#include "temporary_folder.h"

namespace fmpn {
namespace {

using test::expect_error;

/// A file with this JSON header and a body of `body` zero bytes.
std::string file_of(const std::string& header, std::size_t body) {
  std::string text(8, '\0');
  for (int i = 0; i < 8; ++i)
    text[static_cast<std::size_t>(i)] = static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i) & 0xff);
  return text + header + std::string(body, '\0');
}

SafeTensors parse(const std::string& text) {
  return parse_safetensors("some.safetensors", reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

void expect_refused(const std::string& text, const std::string& part) {
  expect_error(ErrorCode::kBadFormat, {"some.safetensors", part}, [&] { parse(text); });
}

SafeTensors small() {
  SafeTensors content;
  content.metadata = {{"name", "Ünïcode \"quoted\""}, {"empty", ""}};
  content.tensors["b.weight"] = {"F32", {2, 1}, {0, 0, 128, 63, 0, 0, 0, 192}};  // 1.0 and −2.0, little-endian
  content.tensors["a"] = {"U8", {3}, {7, 8, 9}};
  content.tensors["scalar"] = {"F16", {}, {0, 60}};
  content.tensors["nothing"] = {"I64", {0, 5}, {}};
  return content;
}

TEST(SafeTensorsFile, RoundTrip) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.safetensors");
  write_safetensors(path, small());
  const SafeTensors back = read_safetensors(path);
  EXPECT_EQ(back.metadata, small().metadata);
  EXPECT_EQ(read_safetensors_metadata(path), small().metadata);
  ASSERT_EQ(back.tensors.size(), small().tensors.size());
  for (const auto& [key, tensor] : small().tensors) {
    ASSERT_EQ(back.tensors.count(key), 1U) << key;
    EXPECT_EQ(back.tensors.at(key).dtype, tensor.dtype);
    EXPECT_EQ(back.tensors.at(key).shape, tensor.shape);
    EXPECT_EQ(back.tensors.at(key).bytes, tensor.bytes);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "a temporary file was left";
}

TEST(SafeTensorsFile, MetadataOfAnyBytesIsWritten) {
  const test::TemporaryFolder folder;
  SafeTensors content = small();
  content.metadata["from"] = "od\xff";
  write_safetensors(folder.file("m.safetensors"), content);
  EXPECT_EQ(read_safetensors(folder.file("m.safetensors")).metadata.at("from"), "od\xEF\xBF\xBD");
}

// The layout of the format's own description: length, JSON, data.
TEST(SafeTensorsFile, AFileWrittenByHandIsRead) {
  std::string text = file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}}   )", 0);
  text += std::string("\x00\x00\x80\x3f\x00\x00\x00\x40", 8);
  const SafeTensors content = parse(text);
  EXPECT_EQ(content.metadata.at("k"), "v");
  const StoredTensor& x = content.tensors.at("x");
  float values[2];
  ASSERT_EQ(x.bytes.size(), sizeof values);
  std::memcpy(values, x.bytes.data(), sizeof values);
  EXPECT_EQ(values[0], 1.0F);
  EXPECT_EQ(values[1], 2.0F);
}

TEST(SafeTensorsFile, TruncatedAtEveryLength) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.safetensors");
  write_safetensors(path, small());
  const std::string whole = test::read_text(path);
  ASSERT_GT(whole.size(), 100U);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    test::write_text(path, whole.substr(0, length));
    expect_error(ErrorCode::kBadFormat, {path}, [&] { read_safetensors(path); });
    if (::testing::Test::HasFailure()) FAIL() << "at length " << length;
  }
}

TEST(SafeTensorsFile, EveryByteOfTheHeaderChangedNeverCrashes) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.safetensors");
  write_safetensors(path, small());
  const std::string whole = test::read_text(path);
  for (std::size_t i = 0; i < whole.size() - 13; ++i)
    for (const char c : {'\0', '"', '9', '[', '-', '\xff'}) {
      std::string changed = whole;
      changed[i] = c;
      try {
        parse(changed);
      } catch (const Error& fault) {
        ASSERT_EQ(static_cast<int>(fault.code()), static_cast<int>(ErrorCode::kBadFormat)) << fault.what();
      }
    }
}

TEST(SafeTensorsFile, HeaderLengthsThatLie) {
  const std::string body = R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  for (const std::uint64_t length : {~0ULL, 1ULL << 63, 1ULL << 40, 100'000'001ULL, static_cast<unsigned long long>(body.size()) + 2}) {
    std::string text = file_of(body, 1);
    for (int i = 0; i < 8; ++i) text[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i) & 0xff);
    expect_refused(text, "header claims " + std::to_string(length));
    const test::TemporaryFolder folder;
    const std::string path = folder.file("m.safetensors");
    test::write_text(path, text);
    expect_error(ErrorCode::kBadFormat, {path}, [&] { read_safetensors_metadata(path); });
  }
}

TEST(SafeTensorsFile, HeadersThatAreNoHeaders) {
  for (const char* header : {"", "{", "[]", "null", "7", "\"text\"", "{\"x\":}", "{\"x\":{}} trailing", "{'x':{}}", "\xff\xfe"})
    expect_refused(file_of(header, 8), "header");
  expect_refused(file_of(std::string(200'000, '['), 0), "header");
  expect_refused(file_of(R"({"__metadata__":[]})", 0), "__metadata__");
  expect_refused(file_of(R"({"__metadata__":{"k":1}})", 0), "__metadata__.k");
}

TEST(SafeTensorsFile, NoKeyCountsTwice) {
  const std::string x = R"("x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  expect_refused(file_of("{" + x + "," + x + "}", 8), "'x' twice");
  expect_refused(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "'k' twice");
  expect_refused(file_of(R"({"x":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8), "'dtype' twice");
  parse_safetensors("m", reinterpret_cast<const std::uint8_t*>(file_of("{" + x + R"(,"__metadata__":{"x":"1"}})", 8).data()),
                    file_of("{" + x + R"(,"__metadata__":{"x":"1"}})", 8).size());
}

TEST(SafeTensorsFile, TensorsThatAreNoTensors) {
  const auto entry = [](const std::string& inner, std::size_t body) { return file_of("{\"x.y\":" + inner + "}", body); };
  const auto refused = [&](const std::string& inner, std::size_t body) { expect_refused(entry(inner, body), "'x.y'"); };
  EXPECT_NO_THROW(parse(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 8)));
  refused("7", 8);
  refused("{}", 8);
  refused(R"({"dtype":"F32","shape":[2]})", 8);
  refused(R"({"dtype":"F32","data_offsets":[0,8]})", 8);
  refused(R"({"shape":[2],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,1e1]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})", 8);
  refused(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]})", 8);
  refused(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 8);
  refused(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 8);
  refused(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,8]})", 8);
}

// The format wants the tensors to fill the body without overlap or gap: two names for the same bytes, or bytes that
// belong to none, are signs of damage.
TEST(SafeTensorsFile, OverlapsAndGaps) {
  const auto two = [](int a0, int a1, int b0, int b1, std::size_t body) {
    const auto tensor = [](int from, int to) {
      return R"({"dtype":"U8","shape":[)" + std::to_string(to - from) + R"(],"data_offsets":[)" + std::to_string(from) + "," +
             std::to_string(to) + "]}";
    };
    return file_of(R"({"a":)" + tensor(a0, a1) + R"(,"b":)" + tensor(b0, b1) + "}", body);
  };
  EXPECT_NO_THROW(parse(two(0, 4, 4, 8, 8)));
  EXPECT_NO_THROW(parse(two(4, 8, 0, 4, 8)));
  expect_refused(two(0, 4, 2, 6, 6), "'b'");
  expect_refused(two(0, 4, 0, 4, 4), "'b'");
  expect_refused(two(0, 8, 2, 4, 8), "'b'");
  expect_refused(two(0, 4, 5, 8, 8), "'b'");
  expect_refused(two(1, 4, 4, 8, 8), "'a'");
  expect_refused(two(0, 4, 4, 8, 9), "body");
}

TEST(SafeTensorsFile, FilesThatAreNone) {
  const test::TemporaryFolder folder;
  for (const auto& [name, text] : {std::pair{"text", "A model is not made of words, and this is a text file of some length.\n"},
                                   std::pair{"empty", ""}, std::pair{"short", "1234567"}, std::pair{"pickle", "\x80\x02}q\x01."}}) {
    const std::string path = folder.file(name);
    test::write_text(path, text);
    expect_error(ErrorCode::kBadFormat, {path}, [&] { read_safetensors(path); });
    expect_error(ErrorCode::kBadFormat, {path}, [&] { read_safetensors_metadata(path); });
  }
  const std::string missing = folder.file("missing");
  expect_error(ErrorCode::kNotFound, {missing}, [&] { read_safetensors(missing); });
  expect_error(ErrorCode::kNotFound, {missing}, [&] { read_safetensors_metadata(missing); });
  expect_error(ErrorCode::kNotFound, {folder.path().string()}, [&] { read_safetensors(folder.path().string()); });
  ASSERT_EQ(mkfifo(folder.file("pipe").c_str(), 0600), 0);
  expect_error(ErrorCode::kNotFound, {folder.file("pipe")}, [&] { read_safetensors(folder.file("pipe")); });  // and does not wait
}

TEST(SafeTensorsFile, WritingFailsWithTheNameAndKeepsTheOldFile) {
  const test::TemporaryFolder folder;
  test::write_text(folder.file("plain"), "a file, not a folder");
  const std::string below = folder.file("plain") + "/m.safetensors";
  expect_error(ErrorCode::kIo, {below}, [&] { write_safetensors(below, small()); });
  // A folder in the place of the file: the rename fails, nothing is left behind.
  std::filesystem::create_directories(folder.path() / "taken" / "inside");
  expect_error(ErrorCode::kIo, {folder.file("taken")}, [&] { write_safetensors(folder.file("taken"), small()); });
  EXPECT_FALSE(std::filesystem::exists(folder.file("taken.partial")));
}

}  // namespace
}  // namespace fmpn
