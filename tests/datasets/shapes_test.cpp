#include "datasets/shapes.h"

#include "core/error.h"
#include "core/files.h"
#include "golden.h"
#include "images/tripwires.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

namespace fewstep {
namespace {

constexpr ShapeStyle kStyles[] = {ShapeStyle::kFilled, ShapeStyle::kOutline};

std::vector<std::string> words_of(const std::string& caption) {
  std::vector<std::string> words;
  std::istringstream stream(caption);
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string hash_of(const Image& image) {
  return sha256({reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size()});
}

// What a caption says, read word by word after the grammar of docs/shapes.md and nothing else.
struct Said {
  struct Object {
    std::string size, colour, shape;
    bool outlined = false;
  };
  std::vector<Object> objects;
  std::string relation, background;
};

class CaptionReader {
 public:
  explicit CaptionReader(const std::string& caption) : words_(words_of(caption)) {}

  Said read() {
    Said said;
    said.objects.push_back(object());
    if (peek() != "on") {
      said.relation = take();
      if (said.relation == "left" || said.relation == "right") said.relation += " " + take({"of"});
      said.objects.push_back(object());
    }
    take({"on"});
    article();
    said.background = take(kColours);
    take({"background"});
    EXPECT_EQ(at_, words_.size());
    return said;
  }

 private:
  using Words = std::set<std::string>;
  inline static const Words kColours{"red", "green", "blue", "yellow", "purple", "orange", "white", "black"};

  std::string peek() const { return at_ < words_.size() ? words_[at_] : ""; }
  std::string take(const Words& allowed = {"left", "right", "above", "below"}) {
    EXPECT_TRUE(allowed.contains(peek())) << "unexpected \"" << peek() << "\" as word " << at_;
    return words_.at(at_++);
  }
  void article() {
    const std::string word = take({"a", "an"});
    EXPECT_EQ(word == "an", std::string("aeiou").find(peek().at(0)) != std::string::npos) << word << " " << peek();
  }
  Said::Object object() {
    Said::Object said;
    article();
    if (peek() == "small" || peek() == "large") said.size = take({"small", "large"});
    if (peek() == "outlined") said.outlined = !take({"outlined"}).empty();
    said.colour = take(kColours);
    said.shape = take({"circle", "square", "triangle", "cross", "ring"});
    return said;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

// The pixels in which two images differ by more than levels in some channel.
std::vector<std::pair<int, int>> differences(const Image& a, const Image& b, int levels) {
  std::vector<std::pair<int, int>> pixels;
  for (int y = 0; y < a.height; ++y) {
    for (int x = 0; x < a.width; ++x) {
      const std::size_t at = static_cast<std::size_t>(y * a.width + x) * 3;
      int largest = 0;
      for (std::size_t c = at; c < at + 3; ++c) largest = std::max(largest, std::abs(a.rgb[c] - b.rgb[c]));
      if (largest > levels) pixels.emplace_back(x, y);
    }
  }
  return pixels;
}

TEST(Shapes, AreTheSameCaptionsAndBytesAsInPython) {
  std::size_t images = 0;
  for (const auto& golden : golden_json("shapes/scenes.json")) {
    const ShapeScene scene =
        make_shape_scene(parse_shape_split(golden["split"].get<std::string>()), golden["index"],
                         parse_name<ShapeStyle>(kShapeStyles, golden["style"].get<std::string>(), "style"));
    EXPECT_EQ(scene.caption, golden["caption"]) << "remake with: make golden";
    for (const auto& [size, hash] : golden["sha256"].items()) {
      EXPECT_EQ(hash_of(draw_shapes(scene, std::stoi(size))), hash) << scene.caption << " at " << size << " pixels";
      ++images;
    }
  }
  EXPECT_EQ(images, 3U * 2 * (26 + 2 * 3));
}

TEST(Shapes, AreDrawnWith32PixelsUnlessAskedOtherwise) {
  const ShapeScene scene = make_shape_scene(ShapeSplit::kTrain, 5);
  EXPECT_EQ(draw_shapes(scene), draw_shapes(scene, 32));
  EXPECT_EQ(draw_shapes(scene, 16).rgb.size(), 16U * 16 * 3);
  EXPECT_FEWSTEP_ERROR(draw_shapes(scene, 15), ExitCode::kUsage, "at least 16 pixels, got 15");
}

TEST(Shapes, SayInTheCaptionWhatTheLabelsHold) {
  for (const ShapeStyle style : kStyles) {
    for (std::uint64_t index = 0; index < 20'000; ++index) {
      const ShapeScene scene = make_shape_scene(ShapeSplit::kTrain, index, style);
      SCOPED_TRACE(scene.caption);
      const Said said = CaptionReader(scene.caption).read();
      ASSERT_EQ(said.objects.size(), scene.objects.size());
      EXPECT_EQ(said.background, name_of(scene.background));
      EXPECT_EQ(said.relation, scene.relation ? name_of(*scene.relation) : "");
      for (std::size_t i = 0; i < scene.objects.size(); ++i) {
        const ShapeObject& object = scene.objects[i];
        EXPECT_EQ(said.objects[i].colour, name_of(object.colour));
        EXPECT_EQ(said.objects[i].shape, name_of(object.shape));
        EXPECT_EQ(said.objects[i].outlined, style == ShapeStyle::kOutline);
        EXPECT_EQ(said.objects[i].size, !object.says_size ? "" : object.large ? "large" : "small");
        EXPECT_NE(object.colour, scene.background);
      }
      EXPECT_NE(scene.objects.front().colour,
                scene.objects.size() == 2 ? scene.objects.back().colour : scene.background);
      if (HasFailure()) return;
    }
  }
}

TEST(Shapes, StandAsTheCaptionSaysWithoutTouchingOrLeavingTheCanvas) {
  for (std::uint64_t index = 0; index < 20'000; ++index) {
    const ShapeScene scene = make_shape_scene(ShapeSplit::kTest, index);
    SCOPED_TRACE(std::to_string(index) + ": " + scene.caption);
    for (const ShapeObject& object : scene.objects) {
      const bool alone = scene.objects.size() == 1;
      EXPECT_GE(object.radius, object.large ? (alone ? .28 : .205) : (alone ? .17 : .145));
      EXPECT_LE(object.radius, object.large ? (alone ? .35 : .23) : (alone ? .21 : .165));
      EXPECT_LE(std::abs(2 * std::atan(object.tilt)), 20 * M_PI / 180);
      for (const double centre : {object.x, object.y}) {
        EXPECT_GE(centre - object.radius, .0199);
        EXPECT_LE(centre + object.radius, .9801);
      }
    }
    if (scene.relation) {
      const ShapeObject &one = scene.objects[0], &two = scene.objects[1];
      const double right = one.x - two.x, down = one.y - two.y;
      const std::map<ShapeRelation, std::pair<double, double>> along{{ShapeRelation::kLeftOf, {-right, down}},
                                                                     {ShapeRelation::kRightOf, {right, down}},
                                                                     {ShapeRelation::kAbove, {-down, right}},
                                                                     {ShapeRelation::kBelow, {down, right}}};
      const auto [distance, aside] = along.at(*scene.relation);
      EXPECT_GE(distance, one.radius + two.radius + .0349);
      EXPECT_GT(distance, 1.5 * std::abs(aside));
    }
    if (HasFailure()) return;
  }
}

// Where an object changes pixels, by drawing the scene with and without it.
TEST(Shapes, AreDrawnWithinTheirRadiusAndNeverOnTopOfEachOther) {
  constexpr int kSize = 64;
  std::map<Shape, double> widest;
  for (const ShapeStyle style : kStyles) {
    for (std::uint64_t index = 0; index < 1'000; ++index) {
      const ShapeScene scene = make_shape_scene(ShapeSplit::kTrain, index, style);
      SCOPED_TRACE(std::to_string(index) + ": " + scene.caption);
      ShapeScene empty = scene;
      empty.objects.clear();
      const Image background = draw_shapes(empty, kSize);
      std::map<std::pair<int, int>, int> drawn;
      for (const ShapeObject& object : scene.objects) {
        ShapeScene alone = empty;
        alone.objects = {object};
        for (const auto& [x, y] : differences(draw_shapes(alone, kSize), background, 0)) {
          ++drawn[{x, y}];
          const double extent = std::max(std::abs((x + .5) / kSize - object.x), std::abs((y + .5) / kSize - object.y));
          EXPECT_LE(extent, object.radius + 1.2 / kSize);  // an anti-aliased corner
          widest[object.shape] = std::max(widest[object.shape], extent / object.radius);
        }
      }
      for (const auto& [pixel, count] : drawn) EXPECT_EQ(count, 1) << pixel.first << ", " << pixel.second;
      if (HasFailure()) return;
    }
  }
  for (const auto& [shape, extent] : widest) EXPECT_GT(extent, .97) << name_of(shape);
}

// In every style, size and tilt a person can tell them apart; two shapes differ at least in so many whole pixels.
TEST(Shapes, DifferFromEachOtherInManyPixels) {
  for (const ShapeStyle style : kStyles) {
    for (const double radius : {.145, .35}) {
      ShapeScene scene;
      scene.style = style;
      std::vector<Image> images;
      for (int shape = 0; shape < kShapeKinds; ++shape) {
        scene.objects = {
            {.shape = static_cast<Shape>(shape), .colour = ShapeColour::kBlack, .x = .5, .y = .5, .radius = radius}};
        images.push_back(draw_shapes(scene));
      }
      for (std::size_t a = 0; a < images.size(); ++a)
        for (std::size_t b = 0; b < a; ++b)
          EXPECT_GE(differences(images[a], images[b], 100).size(), radius < .2 ? 8U : 40U)
              << name_of(style) << " " << name_of(static_cast<Shape>(a)) << " " << name_of(static_cast<Shape>(b));
    }
  }
}

TEST(Shapes, HaveTheSameObjectsInBothStyles) {
  int different = 0;
  for (std::uint64_t index = 0; index < 500; ++index) {
    const ShapeScene filled = make_shape_scene(ShapeSplit::kTrain, index);
    const ShapeScene outline = make_shape_scene(ShapeSplit::kTrain, index, ShapeStyle::kOutline);
    ASSERT_EQ(filled.objects.size(), outline.objects.size());
    EXPECT_EQ(filled.background, outline.background);
    EXPECT_EQ(filled.relation, outline.relation);
    for (std::size_t i = 0; i < filled.objects.size(); ++i) {
      EXPECT_EQ(filled.objects[i].shape, outline.objects[i].shape);
      EXPECT_EQ(filled.objects[i].colour, outline.objects[i].colour);
      EXPECT_EQ(filled.objects[i].x, outline.objects[i].x);
      EXPECT_EQ(filled.objects[i].y, outline.objects[i].y);
      EXPECT_EQ(filled.objects[i].radius, outline.objects[i].radius);
    }
    EXPECT_NE(filled.caption, outline.caption);
    different += draw_shapes(filled) != draw_shapes(outline) ? 1 : 0;
  }
  EXPECT_EQ(different, 500);
}

TEST(Shapes, ShareNoSceneBetweenSplits) {
  std::set<double> lights;
  for (const ShapeSplit split : {ShapeSplit::kTrain, ShapeSplit::kValidation, ShapeSplit::kTest})
    for (std::uint64_t index = 0; index < 10'000; ++index)
      lights.insert(make_shape_scene(split, index).light.offset[0]);
  EXPECT_EQ(lights.size(), 30'000U);
}

TEST(Shapes, HaveCaptionsOfAtMost14KnownWords) {
  std::set<std::string> used;
  std::size_t longest = 0;
  for (const ShapeStyle style : kStyles) {
    for (std::uint64_t index = 0; index < 5'000; ++index) {
      const auto words = words_of(make_shape_scene(ShapeSplit::kValidation, index, style).caption);
      longest = std::max(longest, words.size());
      used.insert(words.begin(), words.end());
    }
  }
  EXPECT_EQ(longest, kMaxShapeWords);
  EXPECT_EQ(std::vector<std::string>(used.begin(), used.end()),
            std::vector<std::string>(shape_words().begin(), shape_words().end()));
}

// The quoted words of the grammar in docs/shapes.md.
TEST(Shapes, HaveTheWordsOfTheirDocumentedGrammar) {
  const std::string text = read_file(std::filesystem::path(FEWSTEP_SOURCE_DIR) / "docs/shapes.md");
  const auto begin = text.find("```ebnf\n"), end = text.find("```\n", begin + 8);
  ASSERT_NE(begin, text.npos);
  std::set<std::string> documented;
  std::istringstream lines(text.substr(begin + 8, end - begin - 8));
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find("(*"));
    for (auto open = line.find('"'); open != line.npos; open = line.find('"', line.find('"', open + 1) + 1)) {
      const std::string terminal = line.substr(open + 1, line.find('"', open + 1) - open - 1);
      for (const std::string& word : words_of(terminal)) documented.insert(word);
    }
  }
  EXPECT_EQ(std::vector<std::string>(documented.begin(), documented.end()),
            std::vector<std::string>(shape_words().begin(), shape_words().end()));
}

TEST(Shapes, HaveManyDifferentCaptions) {
  std::map<ShapeStyle, std::set<std::string>> captions;
  for (const ShapeStyle style : kStyles)
    for (std::uint64_t index = 0; index < 40'000; ++index)
      captions[style].insert(make_shape_scene(ShapeSplit::kTrain, index, style).caption);
  EXPECT_EQ(captions[ShapeStyle::kFilled].size(), 20'272U);
  EXPECT_EQ(captions[ShapeStyle::kOutline].size(), 15'959U);
}

// Each within 4.5 standard deviations of its share of n.
void expect_shares(const std::map<std::string, int>& counts, int n, const std::map<std::string, double>& shares) {
  EXPECT_EQ(counts.size(), shares.size());
  for (const auto& [name, share] : shares) {
    const double count = counts.contains(name) ? counts.at(name) : 0;
    EXPECT_LT(std::abs(count - n * share), 4.5 * std::sqrt(n * share * (1 - share))) << name << ": " << count;
  }
}

TEST(Shapes, ComeEquallyOften) {
  constexpr int kScenes = 40'000;
  std::map<std::string, int> backgrounds, numbers, shapes, colours, relations, sizes, pairs;
  int objects = 0, related = 0;
  for (int index = 0; index < kScenes; ++index) {
    const ShapeScene scene = make_shape_scene(ShapeSplit::kTrain, static_cast<std::uint64_t>(index));
    ++backgrounds[std::string(name_of(scene.background))];
    ++numbers[std::to_string(scene.objects.size())];
    if (scene.relation) {
      ++relations[std::string(name_of(*scene.relation))];
      ++related;
      ++pairs[scene.objects[0].shape == scene.objects[1].shape ? "same" : "different"];
    }
    for (const ShapeObject& object : scene.objects) {
      ++objects;
      ++shapes[std::string(name_of(object.shape))];
      ++colours[std::string(name_of(object.colour))];
      ++sizes[(object.large ? "large" : "small") + std::string(object.says_size ? ", said" : "")];
    }
  }
  const std::map<std::string, double> colour_shares{{"red", .125},    {"green", .125},  {"blue", .125},
                                                    {"yellow", .125}, {"purple", .125}, {"orange", .125},
                                                    {"white", .125},  {"black", .125}};
  expect_shares(backgrounds, kScenes, colour_shares);
  expect_shares(colours, objects, colour_shares);
  expect_shares(numbers, kScenes, {{"1", .5}, {"2", .5}});
  expect_shares(shapes, objects, {{"circle", .2}, {"square", .2}, {"triangle", .2}, {"cross", .2}, {"ring", .2}});
  expect_shares(relations, related, {{"left of", .25}, {"right of", .25}, {"above", .25}, {"below", .25}});
  expect_shares(pairs, related, {{"same", .2}, {"different", .8}});
  expect_shares(sizes, objects,
                {{"small", 1. / 6}, {"small, said", 2. / 6}, {"large", 1. / 6}, {"large, said", 2. / 6}});
}

TEST(Shapes, NameTheirStylesAndSplits) {
  for (const char* split : {"train", "validation", "test"}) EXPECT_EQ(name_of(parse_shape_split(split)), split);
  EXPECT_EQ(static_cast<int>(parse_shape_split("test")), 3);
  EXPECT_FEWSTEP_ERROR(parse_shape_split("tset"), ExitCode::kUsage, "unknown name \"tset\"; did you mean \"test\"?");
  std::set<std::string> hashes;
  for (const ShapeSplit split : {ShapeSplit::kTrain, ShapeSplit::kValidation, ShapeSplit::kTest})
    for (const ShapeStyle style : kStyles) hashes.insert(shapes_hash(split, style));
  EXPECT_EQ(hashes.size(), 6U);
  EXPECT_TRUE(hashes.contains(sha256("fewstep shapes, version 1, seed 3, outline")));
}

TEST(Shapes, TripNoWire) {
  for (std::uint64_t index = 0; index < 4000; ++index) {
    ASSERT_EQ(trips_of(draw_shapes(make_shape_scene(ShapeSplit::kTrain, index))), 0u) << index;
    // The pocket world's reference.
    ASSERT_EQ(trips_of(draw_shapes(make_shape_scene(ShapeSplit::kTest, 100'000 + index))), 0u) << index;
  }
}

}  // namespace
}  // namespace fewstep
