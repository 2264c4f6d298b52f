#include "datasets/captioned_images.h"

#include "core/error.h"
#include "core/files.h"
#include "images/files.h"
#include "tests/formats/tar_bytes.h"
#include "tests/temporary.h"
#include "tests/warnings.h"

#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>

#include <thread>

namespace fewstep {
namespace {

const std::filesystem::path kImages = std::filesystem::path(FEWSTEP_TEST_DATA) / "datasets/images";

Image plain(std::uint8_t level, int height = 3, int width = 4) {
  return {height, width, std::vector<std::uint8_t>(std::size_t{3} * height * width, level)};
}

std::vector<std::string> captions(const CaptionedImages& set) {
  std::vector<std::string> list;
  for (std::int64_t i = 0; i < set.count; ++i) list.push_back(set.at(i).caption);
  return list;
}

std::vector<int> levels(const CaptionedImages& set) {  // of each image's first pixel
  std::vector<int> list;
  for (std::int64_t i = 0; i < set.count; ++i) list.push_back(set.at(i).image.rgb[0]);
  return list;
}

// a.png, b.png and c.png with levels 10, 20 and 30.
class ImageFolder : public testing::Test {
 protected:
  ImageFolder() {
    std::filesystem::create_directories(images());
    for (const auto& [name, level] : {std::pair("a.png", 10), {"b.png", 20}, {"c.png", 30}})
      write_png(images() / name, plain(static_cast<std::uint8_t>(level)));
  }
  std::filesystem::path images() const { return folder_.path() / "images"; }
  CaptionedImages open(const std::string& name, const std::string& table, ImageQuery query = {}) const {
    query.images = images();
    query.captions = folder_.write(name, table);
    return open_captioned_images(query);
  }
  void expect_all_three(const CaptionedImages& set) const {
    EXPECT_EQ(set.count, 3);
    EXPECT_THAT(captions(set), testing::ElementsAre("see \"c\"", "na\xc3\xafve", "b, too"));
    EXPECT_THAT(levels(set), testing::ElementsAre(30, 10, 20));
  }
  const std::string csv_ =
      "file_name,id,caption\nc.png,1,\"see \"\"c\"\"\"\na.png,2,na\xc3\xafve\nb.png,3,\"b, too\"\n";

  TemporaryFolder folder_;
};

TEST_F(ImageFolder, IsReadInTheOrderOfACsv) { expect_all_three(open("t.csv", csv_)); }

TEST_F(ImageFolder, IsReadInTheOrderOfATsv) {
  expect_all_three(open("t.tsv", "caption\timage\nsee \"c\"\tc.png\nna\xc3\xafve\ta.png\nb, too\tb.png\n"));
}

TEST_F(ImageFolder, IsReadInTheOrderOfAJsonl) {
  expect_all_three(open("t.jsonl",
                        "{\"file_name\": \"c.png\", \"text\": \"see \\\"c\\\"\", \"n\": 1}\n"
                        "{\"text\": \"na\xc3\xafve\", \"file_name\": \"a.png\"}\n"
                        "{\"file_name\": \"b.png\", \"text\": \"b, too\"}\n"));
}

TEST_F(ImageFolder, IsReadInTheOrderOfAParquetFile) {
  arrow::StringBuilder files, texts;
  ASSERT_TRUE(files.AppendValues(std::vector<std::string>{"c.png", "a.png", "b.png"}).ok());
  ASSERT_TRUE(texts.AppendValues(std::vector<std::string>{"see \"c\"", "na\xc3\xafve", "b, too"}).ok());
  const auto table =
      arrow::Table::Make(arrow::schema({arrow::field("CAPTION", arrow::utf8()), arrow::field("path", arrow::utf8())}),
                         {texts.Finish().ValueOrDie(), files.Finish().ValueOrDie()});
  const auto path = folder_.path() / "t.parquet";
  auto out = arrow::io::FileOutputStream::Open(path.string()).ValueOrDie();
  ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 2).ok());
  ASSERT_TRUE(out->Close().ok());
  expect_all_three(open_captioned_images({.images = images(), .captions = path}));
}

TEST_F(ImageFolder, TakesTheColumnsThatAreNamed) {
  const std::string table = "path,caption,file,long\nx,short,b.png,a longer one\ny,s,a.png,l\nz,s,c.png,l\n";
  const CaptionedImages set = open("t.csv", table, {.file_column = "file", .text_column = "long", .count = 1});
  EXPECT_THAT(captions(set), testing::ElementsAre("a longer one"));
  EXPECT_THAT(levels(set), testing::ElementsAre(20));
  EXPECT_FEWSTEP_ERROR(open("t.csv", table), ExitCode::kInput,
                       "expected one column of file names (file_name, image …), got \"path\", \"file\"; name it");
  EXPECT_FEWSTEP_ERROR(open("t.csv", table, {.file_column = "long", .text_column = "long"}), ExitCode::kInput,
                       "expected file names and captions in two columns, got \"long\" for both");
  EXPECT_FEWSTEP_ERROR(open("t.csv", table, {.file_column = "fiel"}), ExitCode::kInput,
                       "expected a column \"fiel\", got \"file\"");
  EXPECT_FEWSTEP_ERROR(open("t.csv", "a,b\nc.png,d\n"), ExitCode::kInput,
                       "expected one column of file names (file_name, image …), got \"a\", \"b\"");
  // The only other column with text.
  EXPECT_EQ(open("t.csv", "image,words\na.png,1\nb.png,2\nc.png,3\n").at(2).caption, "3");
}

TEST_F(ImageFolder, TakesTheFirstSoManyOfTheTable) {
  const CaptionedImages set = open("t.csv", csv_, {.count = 2});
  EXPECT_EQ(set.count, 2);
  EXPECT_THAT(levels(set), testing::ElementsAre(30, 10));
  EXPECT_FEWSTEP_ERROR(open("t.csv", csv_, {.count = 4}), ExitCode::kInput, "expected 4 images with captions, got 3");
  EXPECT_FEWSTEP_ERROR(open("t.csv", csv_, {.count = 0}), ExitCode::kUsage, "expected a count of at least 1, got 0");
}

TEST_F(ImageFolder, LeavesOutAnImageWithoutACaptionAndRefusesTwo) {
  const std::string text =
      "got 2 of 3 images with captions that cannot; replace them, or raise max_left_out:\n"
      "  expected a caption for \"a.png\", got none\n  expected a caption for \"c.png\", got none";
  EXPECT_FEWSTEP_ERROR(open("t.csv", "file,text\nb.png,b\n"), ExitCode::kInput, text);
  EXPECT_EQ(open("t.csv", "file,text\nb.png,b\n", {.max_left_out = 0.7}).count, 1);
  const Warnings warnings;
  EXPECT_THAT(captions(open("t.csv", "file,text\na.png,a\nb.png,  \nc.png,c\n")), testing::ElementsAre("a", "c"));
  EXPECT_THAT(warnings.text(), testing::HasSubstr("t.csv] 1 of 3 images with captions left out:\n"
                                                  "  expected a caption for \"b.png\", got none"));
  EXPECT_FEWSTEP_ERROR(open("t.jsonl", "{\"file\": \"a.png\", \"text\": \"a\"}\n{\"file\": \"b.png\"}\n"),
                       ExitCode::kInput, "expected a caption for \"b.png\", got none");
}

TEST_F(ImageFolder, LeavesOutACaptionWithoutAnImageAndRefusesTwo) {
  const Warnings warnings;
  EXPECT_EQ(open("t.csv", csv_ + "d.png,4,d\n").count, 3);
  EXPECT_THAT(warnings.text(),
              testing::HasSubstr("expected an image \"d.png\" in " + images().string() + ", got none"));
  EXPECT_FEWSTEP_ERROR(open("t.csv", csv_ + "d.png,4,d\ne.png,5,e\nf.png,6,f\ng.png,7,g\n"), ExitCode::kInput,
                       "expected an image \"e.png\" in " + images().string() + ", got none");
  write_png(folder_.path() / "d.png", plain(1));
  EXPECT_EQ(open("t.csv", csv_ + "../d.png,4,d\n").count, 3);
  EXPECT_EQ(open("t.csv", csv_ + ",4,d\n").count, 3);
  EXPECT_THAT(warnings.text(), testing::HasSubstr("t.csv, line 5] expected the name of an image, got none"));
}

TEST_F(ImageFolder, MayHaveFoldersThatTheTableNames) {
  std::filesystem::create_directory(images() / "below");
  write_png(images() / "below/d.png", plain(70));
  const CaptionedImages set = open("t.csv", csv_ + "below/d.png,4,d\n");
  EXPECT_EQ(set.at(3).image, plain(70));
}

TEST_F(ImageFolder, FindsANameInAnotherUnicodeForm) {
  write_png(images() / "cafe\u0301.png", plain(70));  // é as two characters
  const CaptionedImages set = open("t.csv", csv_ + "caf\u00e9.png,4,d\n");
  EXPECT_EQ(set.at(3).image, plain(70));
  EXPECT_EQ(set.at(3).caption, "d");
  write_png(images() / "caf\u00e9.png", plain(80));
  const Warnings warnings;
  EXPECT_EQ(open("t.csv", csv_ + "caf\u00e9.png,4,d\n").at(3).image, plain(80)) << "the name as it is comes first";
  EXPECT_THAT(warnings.text(), testing::HasSubstr("expected a caption for \"cafe\u0301.png\", got none"));
}

TEST_F(ImageFolder, NeedsNoCaptionsWhereNoneAreUsed) {
  const CaptionedImages set = open_captioned_images({.images = images(), .captions_needed = false});
  EXPECT_EQ(set.count, 3);
  EXPECT_EQ(set.at(1).caption, "");
}

TEST_F(ImageFolder, RefusesANameThatIsThereTwice) {
  EXPECT_FEWSTEP_ERROR(open("t.csv", csv_ + "a.png,4,again\n"), ExitCode::kInput,
                       "t.csv] expected one caption for \"a.png\", got two");
}

TEST_F(ImageFolder, RefusesOtherBytesThanUtf8) {
  EXPECT_FEWSTEP_ERROR(open("t.csv", "file,text\na.png,caf\xe9\nb.png,caf\xe9\n"), ExitCode::kInput,
                       "t.csv, line 2] expected a caption in UTF-8");
  EXPECT_FEWSTEP_ERROR(open("t.csv", "file,text\n\xff.png,b\n\xfe.png,b\n"), ExitCode::kInput,
                       "t.csv, line 2] expected the name of an image in UTF-8");
}

TEST_F(ImageFolder, RefusesOptionsThatDoNotFit) {
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = images()}), ExitCode::kUsage, "expected captions for a folder");
  EXPECT_FEWSTEP_ERROR(open("t.txt", "a\nb\nc\n"), ExitCode::kUsage, "expected captions with file names");
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = folder_.path() / "no"}), ExitCode::kInput, "got nothing there");
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = folder_.write("a.zip", "PK")}), ExitCode::kUsage,
                       "expected a folder of images or a .tar, got another file");
}

TEST_F(ImageFolder, HasTheNextImageStandInForABrokenOneButNotForTwo) {
  folder_.write("images/b.png", read_file(images() / "b.png").substr(0, 40));
  const CaptionedImages set = open("t.csv", csv_);
  EXPECT_EQ(set.at(1).image, plain(10));
  const Warnings warnings;
  EXPECT_EQ(set.at(2).image, set.at(0).image);
  EXPECT_EQ(set.at(2).caption, set.at(0).caption);
  EXPECT_THAT(warnings.text(),
              testing::HasSubstr("left out, and the next one taken: [" + (images() / "b.png").string()));
  folder_.write("images/a.png", "broken");
  EXPECT_FEWSTEP_ERROR(set.at(1), ExitCode::kInput, "a.png");
  EXPECT_FEWSTEP_ERROR(set.at(3), ExitCode::kUsage, "expected an index from 0 to 2, got 3");
  EXPECT_FEWSTEP_ERROR(set.at(-1), ExitCode::kUsage, "got -1");
}

TEST_F(ImageFolder, HasAnIdentityOfItsSamplesAlone) {
  const std::string identity = open("t.csv", csv_).identity;
  EXPECT_EQ(identity.size(), 64u);
  EXPECT_EQ(
      open("other.jsonl",
           "{\"file\": \"c.png\", \"text\": \"see \\\"c\\\"\"}\n{\"file\": \"a.png\", \"text\": \"na\xc3\xafve\"}\n"
           "{\"file\": \"b.png\", \"text\": \"b, too\"}\n")
          .identity,
      identity);
  const auto moved = folder_.path() / "moved";
  std::filesystem::copy(images(), moved);
  EXPECT_EQ(open_captioned_images({.images = moved, .captions = folder_.path() / "t.csv"}).identity, identity);
  EXPECT_NE(open("t.csv", csv_, {.count = 2}).identity, identity);
  EXPECT_NE(open("t.csv", "file,text\nc.png,see\na.png,na\xc3\xafve\nb.png,\"b, too\"\n").identity, identity);
  EXPECT_NE(open("t.csv", "file,text\na.png,na\xc3\xafve\nc.png,\"see \"\"c\"\"\"\nb.png,\"b, too\"\n").identity,
            identity);
  write_png(images() / "b.png", plain(20, 90, 91));
  EXPECT_NE(open("t.csv", csv_).identity, identity);
}

// Two shards of two and three samples; levels 0, 40, 80, 120, 160.
class ImageShards : public testing::Test {
 protected:
  ImageShards() {
    shard("data-08.tar", {{"./"},
                          {"./0.png", png(0)},
                          {"./0.txt", "zero\r\n"},
                          {"./1.json", R"({"text": "one"})"},
                          {"./1.png", png(40)}});
    shard("data-09.tar", {{"x/b.txt", "two"},
                          {"x/a.txt", "three"},
                          {"x/a.png", png(120)},
                          {"x/b.png", png(80)},
                          {"x/b.cls", "7"},
                          {"x/b.seg.png", png(1)},
                          {"x/._b.png", "AppleDouble"},
                          {"LICENCE", "free"},
                          {"0.PNG", png(160)},
                          {"0.TXT", "four"},
                          {"0.json", R"({"caption": "4", "text": "vier", "width": 4})"}});
  }
  static std::string png(int level) { return encode_png(plain(static_cast<std::uint8_t>(level))); }
  std::filesystem::path shard(const std::string& name, const std::vector<TarFile>& files) const {
    return folder_.write(name, tar_bytes(files));
  }
  std::filesystem::path at(const std::string& name) const { return folder_.path() / name; }
  void refuses(const std::vector<TarFile>& files, const std::string& message, ImageQuery query = {}) const {
    query.images = shard("bad.tar", files);
    query.max_left_out = 0;
    try {  // one sample may be left out in any case; a shard of bad ones alone is refused
      const Warnings warnings;
      open_captioned_images(query);
      EXPECT_THAT(warnings.text(), testing::HasSubstr(message));
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(message));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(ImageShards, AreReadInTheOrderOfTheirFiles) {
  const CaptionedImages set = open_captioned_images({.images = at("data-{08..09}.tar")});
  EXPECT_EQ(set.count, 5);
  EXPECT_THAT(captions(set), testing::ElementsAre("zero", "one", "two", "three", "four"));
  EXPECT_THAT(levels(set), testing::ElementsAre(0, 40, 80, 120, 160));
  EXPECT_EQ(set.at(3).image, plain(120));
}

TEST_F(ImageShards, TakeEverySampleOfNamesWithDots) {
  shard("dots.tar", {{"0.jpg.txt", "no image"},  // a side part of no sample
                     {"8.0.png", png(0)},
                     {"8.0.txt", "zero"},
                     {"8.1.png", png(1)},
                     {"8.1.txt", "one"},
                     {"a/v1.5_2.png", png(2)},
                     {"a/v1.5_2.json", R"({"prompt": "two"})"}});
  const CaptionedImages set = open_captioned_images({.images = at("dots.tar"), .max_left_out = 0.5});
  EXPECT_THAT(captions(set), testing::ElementsAre("zero", "one", "two"));
}

TEST_F(ImageShards, ReadTheEndingsAndKeysThatOthersWrite) {
  shard("endings.tar", {{"0.png", png(0)},
                        {"0.caption", "zero"},
                        {"1.png", png(1)},
                        {"1.text", "one"},
                        {"2.png", png(2)},
                        {"2.json", R"({"prompt": "two", "seed": 7})"},
                        {"3.png", png(3)},
                        {"3.json", R"({"prompt": "no", "caption": "three"})"}});
  const CaptionedImages set = open_captioned_images({.images = at("endings.tar")});
  EXPECT_THAT(captions(set), testing::ElementsAre("zero", "one", "two", "three"));
}

TEST_F(ImageShards, CountEveryEntryThatIsNoPartOfASample) {
  shard("more.tar", {{"0.png", png(0)},
                     {"0.txt", "zero"},
                     {"0.seg.png", png(1)},
                     {"0.cls", "7"},
                     {"1.png", png(1)},
                     {"1.txt", "one"},
                     {"1.caption", "again"},
                     {"1.cls", "8"},
                     {"._1.png", "resource fork"},
                     {"README", "text"}});
  const Warnings warnings;
  const CaptionedImages set = open_captioned_images({.images = at("more.tar")});
  EXPECT_THAT(captions(set), testing::ElementsAre("zero", "one"));
  EXPECT_THAT(warnings.text(),
              testing::HasSubstr("entries that are no part of a sample: 1 .caption, 2 .cls, 1 .seg.png, "
                                 "1 hidden, 1 without an ending"));
}

TEST_F(ImageShards, TakeTheKeyThatIsNamed) {
  shard("data-08.tar", {{"0.png", png(0)}, {"0.txt", "zero"}, {"0.json", R"({"vier": "null"})"}});
  const CaptionedImages set = open_captioned_images({.images = at("data-08.tar"), .text_column = "vier"});
  EXPECT_THAT(captions(set), testing::ElementsAre("null"));
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = at("data-08.tar"), .text_column = "cinq"}), ExitCode::kInput,
                       "entry \"0.json\"] expected a caption under \"cinq\", got none");
  refuses({{"0.png", png(0)}, {"0.txt", "zero"}}, "expected a caption of the same name, .json, got none",
          {.text_column = "vier"});
}

TEST_F(ImageShards, AreOpenedOnlyAsFarAsTheCount) {
  const CaptionedImages set = open_captioned_images({.images = at("data-{08..12}.tar"), .count = 3});
  EXPECT_THAT(captions(set), testing::ElementsAre("zero", "one", "two"));
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = at("data-{08..12}.tar")}), ExitCode::kInput, "data-10.tar");
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = at("data-{08..09}.tar"), .count = 6}), ExitCode::kInput,
                       "expected 6 images with captions, got 5");
}

TEST_F(ImageShards, GiveTheSameFromManyThreadsInAnyOrder) {
  const CaptionedImages set =
      open_captioned_images({.images = at("data-{8..9}.tar").parent_path() / "data-0{8..9}.tar"});
  const std::vector<std::string> texts = captions(set);
  const std::vector<int> first = levels(set);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::int64_t i = 0; i < 200; ++i) {
        const std::int64_t index = (i * (t + 2) + t) % set.count;
        const CaptionedImage sample = set.at(index);
        if (sample.caption != texts[index] || sample.image != plain(static_cast<std::uint8_t>(first[index]))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ImageShards, HoldJpegAndWebpImages) {
  shard("a.tar", {{"0.jpg", read_file(kImages / "444.jpg")},
                  {"0.txt", "a"},
                  {"1.JPEG", read_file(kImages / "420.jpg")},
                  {"1.txt", "b"},
                  {"2.webp", read_file(kImages / "lossless.webp")},
                  {"2.txt", "c"}});
  const CaptionedImages set = open_captioned_images({.images = at("a.tar")});
  EXPECT_EQ(set.at(0).image, read_image(kImages / "444.jpg"));
  EXPECT_EQ(set.at(1).image, read_image(kImages / "420.jpg"));
  EXPECT_EQ(set.at(2).image, read_image(kImages / "lossless.webp"));
}

TEST_F(ImageShards, RefuseSamplesThatAreNotWhole) {
  refuses({{"0.png", png(0)}},
          "bad.tar, entry \"0.png\"] expected a caption of the same name, .txt, .text, .caption or .json, got none");
  refuses({{"0.txt", "a"}}, "bad.tar, entry \"0.txt\"] expected an image of the same name, got none");
  refuses({{"0.png", png(0)}, {"0.txt", "a"}, {"1.json", "{}"}}, "entry \"1.json\"] expected an image");
  refuses({{"0.png", png(0)}, {"0.txt", "a"}, {"0.jpg", "b"}},
          "entry \"0.jpg\"] expected one image of a name, got \"0.png\" too");
  refuses({{"0.png", png(0)}, {"0.txt", "a"}, {"0.txt", "b"}},
          "entry \"0.txt\"] expected the entry once, got it twice");
  refuses({{"README", "nothing"}}, "bad.tar] expected images with captions (KEY.jpg and KEY.txt …), got none");
  refuses({}, "bad.tar");
}

TEST_F(ImageShards, RefuseCaptionsThatAreNone) {
  const auto with = [&](const std::string& name, const std::string& text, const std::string& message) {
    refuses({{"0.png", png(0)}, {name, text}}, "bad.tar, entry \"" + name + "\"] " + message);
  };
  with("0.txt", " \n", "expected a caption, got none");
  with("0.txt", "caf\xe9", "expected a caption in UTF-8, got other bytes");
  with("0.txt", std::string("a\0b", 3), "expected a caption of text, got a NUL byte in it");
  with("0.txt", std::string((1 << 20) + 1, 'a'), "expected at most 1048576 bytes, got 1048577");
  with("0.json", "{", "expected valid JSON");
  with("0.json", R"({"width": 4})", "expected a caption under \"caption\", \"text\" or \"prompt\", got none");
  with("0.json", R"({"caption": 4})", "expected a text for \"caption\", got a number");
  with("0.json", R"({"caption": ""})", "expected a caption, got none");
}

TEST_F(ImageShards, NameShardAndEntryOfABrokenImage) {
  shard("a.tar", {{"0.png", png(9)}, {"0.txt", "a"}, {"1.png", png(9).substr(0, 50)}, {"1.txt", "b"}});
  const CaptionedImages set = open_captioned_images({.images = at("a.tar")});
  EXPECT_EQ(set.at(0).image, plain(9));
  const Warnings warnings;
  EXPECT_EQ(set.at(1).image, plain(9));
  EXPECT_THAT(warnings.text(), testing::HasSubstr("a.tar, entry \"1.png\"]"));
  EXPECT_FEWSTEP_ERROR(set.at(2), ExitCode::kUsage, "expected an index from 0 to 1, got 2");
  std::filesystem::resize_file(at("a.tar"), 520);
  EXPECT_FEWSTEP_ERROR(set.at(1), ExitCode::kInput, "a.tar] expected ");
}

TEST_F(ImageShards, HaveAnIdentityOfTheirSamplesAlone) {
  const auto identity = [&](const std::vector<TarFile>& files) {
    return open_captioned_images({.images = shard("a.tar", files)}).identity;
  };
  const std::string whole = identity({{"0.png", png(9)}, {"0.txt", "a"}, {"1.png", png(9)}, {"1.txt", "b"}});
  EXPECT_EQ(whole.size(), 64u);
  // Split into two shards, with something beside.
  shard("b-1.tar", {{"0.png", png(9)}, {"0.json", R"({"caption": "a"})"}, {"NOTE", "x"}});
  shard("b-2.tar", {{"1.txt", "b"}, {"1.png", png(9)}});
  EXPECT_EQ(open_captioned_images({.images = at("b-{1..2}.tar")}).identity, whole);
  EXPECT_NE(identity({{"0.png", png(9)}, {"0.txt", "b"}, {"1.png", png(9)}, {"1.txt", "b"}}), whole);
  EXPECT_NE(identity({{"0.png", png(9)}, {"0.txt", "a"}, {"2.png", png(9)}, {"2.txt", "b"}}), whole);
  EXPECT_NE(identity({{"1.png", png(9)}, {"1.txt", "b"}, {"0.png", png(9)}, {"0.txt", "a"}}), whole);
  EXPECT_NE(identity({{"0.png", png(9) + " "}, {"0.txt", "a"}, {"1.png", png(9)}, {"1.txt", "b"}}), whole);
}

TEST_F(ImageShards, TakeNoCaptionsFromElsewhere) {
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = at("data-08.tar"), .captions = "a.csv"}), ExitCode::kUsage,
                       "which holds its captions");
  EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = at("data-08.tar"), .file_column = "a"}), ExitCode::kUsage,
                       "which holds its captions");
}

TEST_F(ImageShards, AreNamedByARange) {
  const auto refused = [&](const std::string& pattern, const std::string& message) {
    EXPECT_FEWSTEP_ERROR(open_captioned_images({.images = at(pattern)}), ExitCode::kUsage, message);
  };
  refused("data-{8..}.tar", "expected a range of numbers such as {000..009}, got {8..}");
  refused("data-{a..b}.tar", "got {a..b}");
  refused("data-{8}.tar", "got {8}");
  refused("data-{-1..8}.tar", "got {-1..8}");
  refused("data-{9..8}.tar", "expected a range upwards of at most 100000 numbers, got {9..8}");
  refused("data-{0..99999999999}.tar", "of at most 100000 numbers");
  refused("data-{0..99999999999999999999999}.tar", "expected a range of numbers");
  refused("data-{0..9999}-{0..9999}.tar", "expected at most 100000 shards, got more");
  refused("data-{0..9.tar", "expected a closing brace, got none");
  shard("odd{1..2}.tar", {{"0.png", png(9)}, {"0.txt", "itself"}});
  EXPECT_EQ(open_captioned_images({.images = at("odd{1..2}.tar")}).at(0).caption, "itself");
  shard("m-1-08.tar", {{"0.png", png(9)}, {"0.txt", "a"}});
  shard("m-1-09.tar", {{"0.png", png(9)}, {"0.txt", "b"}});
  shard("m-2-08.tar", {{"0.png", png(9)}, {"0.txt", "c"}});
  shard("m-2-09.tar", {{"0.png", png(9)}, {"0.txt", "d"}});
  EXPECT_THAT(captions(open_captioned_images({.images = at("m-{1..2}-{08..09}.tar")})),
              testing::ElementsAre("a", "b", "c", "d"));
}

}  // namespace
}  // namespace fewstep
