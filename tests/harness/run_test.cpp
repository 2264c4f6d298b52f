// fewstep run as its users start it, on tiny random checkpoints.
#include "core/files.h"
#include "datasets/shapes.h"
#include "harness/generate/generate.h"
#include "harness/small_experiment.h"
#include "images/files.h"
#include "store/influence.h"
#include "store/read.h"
#include "store/training.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

namespace fewstep {
namespace {

using testing::HasSubstr;
using testing::Not;

std::int64_t count(const std::filesystem::path& store, const std::string& what) {
  SQLite::Database database(store.string(), SQLite::OPEN_READONLY);
  return database.execAndGet("SELECT count(*) FROM " + what).getInt64();
}

// (series, row, image) → hash of the image.
std::map<std::string, std::string> image_hashes(const std::filesystem::path& store) {
  SQLite::Database database(store.string(), SQLite::OPEN_READONLY);
  SQLite::Statement select(database,
                           "SELECT identity || ' ' || prompt.row || ' ' || image_index, image_sha256 FROM sample JOIN "
                           "series ON series.id = series_id JOIN prompt ON prompt.id = prompt_id");
  std::map<std::string, std::string> hashes;
  while (select.executeStep()) hashes[select.getColumn(0).getString()] = select.getColumn(1).getString();
  return hashes;
}

std::vector<double> scores(const nlohmann::json& report) {
  std::vector<double> values;
  for (const auto& cell : report.at("cells"))
    for (const auto& [name, metric] : cell.at("metrics").items()) values.push_back(metric.at("value"));
  return values;
}

TEST(Run, MakesEveryCellOfFiveSamplers) {
  SmallExperiment small;
  small.checkpoints = small.checkpoint("sd15", "ddim\", \"dpm\", \"dpm++") +
                      small.checkpoint("guided-distill", "guided-distill") + small.checkpoint("lcm", "lcm");
  small.steps = "[1, 2, 4, 8]";
  small.captions = 3;
  const Finished finished = small.run();
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("CLIP score"));
  EXPECT_EQ(count(small.store(), "sample"), 5 * 4 * 3);
  const auto report = small.report();
  ASSERT_EQ(report.at("cells").size(), 20u);
  for (const auto& cell : report.at("cells")) {
    EXPECT_EQ(cell.at("state"), "complete");
    const double forwards = cell.at("forwards_per_image");
    const bool guided = cell.at("checkpoint") == "sd15";
    EXPECT_EQ(forwards, cell.at("steps").get<double>() * (guided ? 2 : 1)) << cell;
  }
}

TEST(Run, AgainMakesNothingAndGivesTheSameScores) {
  const SmallExperiment small;
  ASSERT_EQ(small.run().code, 0);
  const auto first = scores(small.report());
  const auto samples = count(small.store(), "sample");
  ASSERT_EQ(small.run().code, 0);
  EXPECT_EQ(count(small.store(), "sample"), samples);
  EXPECT_EQ(count(small.store(), "run"), 1) << "a run that repeats another is not recorded";
  EXPECT_EQ(scores(small.report()), first);
  EXPECT_THAT(small.run({"--dry-run"}).out, HasSubstr("0 images to make of 12"));
}

TEST(Run, RepeatedChangesNoReportUntilItsExperimentDoes) {
  SmallExperiment small;
  ASSERT_EQ(small.run().code, 0);
  const auto report = [&](const char* format) {
    return run_program("fewstep", {"report", small.store(), "--format", format, "--full"}).out;
  };
  const std::string json = report("json"), csv = report("csv"), table = report("table");
  const Finished again = small.run();
  EXPECT_THAT(again.err, HasSubstr("nothing new to compute: " + small.store().string()));
  EXPECT_EQ(report("json"), json);
  EXPECT_EQ(report("csv"), csv);
  EXPECT_EQ(report("table"), table);
  small.top = "# a comment\n";
  ASSERT_EQ(small.run().code, 0);
  EXPECT_EQ(count(small.store(), "run"), 2) << "audit and merge need the file as it is";
}

TEST(Run, OfSeveralImagesAPromptIsReadAsSuch) {
  SmallExperiment small;
  small.steps = "[1]";
  ASSERT_EQ(small.run({"--set", "prompts.images_per_prompt=2"}).code, 0);
  Store store = Store::open(small.store(), Store::Mode::kRead);
  const StoredTable table = read_table(store);
  EXPECT_EQ(table.cells.at(0).images_per_prompt, 2);
  EXPECT_EQ(table.cells.at(0).expected_images, 12);
  const auto influence = read_influence(store, table.cells[0], table.cells[0].scores.at(0));
  ASSERT_TRUE(influence);
  EXPECT_EQ(influence->of_unit.size(), 6U) << "a unit is a prompt";
}

// merge, audit and --noise-floor repeat a run by what the store says of it.
TEST(Run, RemembersHowItMeasuredAndShared) {
  const SmallExperiment small;
  ASSERT_EQ(small.run({"--no-sharing"}).code, 0);
  Store store = Store::open(small.store(), Store::Mode::kRead);
  const auto request = nlohmann::json::parse(read_table(store).facts.at("request"));
  EXPECT_EQ(request.at("no_sharing"), true);
  EXPECT_EQ(request.at("metric_precision"), "float32");
}

TEST(Run, CountsTheCaptionsThatAreCut) {
  const TemporaryFolder folder;
  std::string longest;
  for (int i = 0; i < 90; ++i) longest += "red ";
  const auto captions = folder.write("captions.txt", "a red circle\n" + longest + "\na blue square\n");
  const std::string pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket/";
  const auto store = folder.path() / "lcm.sqlite";
  const Finished run = run_program("fewstep", {"run", pocket + "lcm", "--prompts", captions, "--clip", pocket + "clip",
                                               "--steps", "1", "--store", store, "--device", "cpu"});
  ASSERT_EQ(run.code, 0) << run.err;
  const auto length = std::to_string(nlohmann::json::parse(read_file(pocket + "lcm/tokenizer/tokenizer_config.json"))
                                         .at("model_max_length")
                                         .get<int>());
  EXPECT_THAT(run.err, HasSubstr("1 of 3 captions are longer than the text encoder's " + length +
                                 " tokens and are cut; the longest is row 1 with 92 tokens"));
  EXPECT_THAT(run.out, HasSubstr("captions.txt: all 3 captions (1 cut at " + length + " tokens)"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "lcm.images")) << "eight prompts' images are kept";
}

TEST(Run, DoesNotDependOnBatchOrThreads) {
  const SmallExperiment small, other;
  ASSERT_EQ(small.run({"--batch", "1"}).code, 0);
  const auto one_thread = [] { ::setenv("OMP_NUM_THREADS", "1", 1); };
  ASSERT_EQ(run_program("fewstep", other.run_arguments({"--batch", "5"}), one_thread).code, 0);
  const auto a = scores(small.report()), b = scores(other.report());
  ASSERT_EQ(a.size(), 2u);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-3) << "CLIP scores are 100 times a cosine";
}

TEST(Run, LimitAndOnlyTakeAPartThatIsNotMadeAgain) {
  const SmallExperiment small;
  ASSERT_EQ(small.run({"--limit", "2", "--only", "steps=4", "--batch", "2"}).code, 0);
  EXPECT_EQ(count(small.store(), "sample"), 2);
  const auto before = image_hashes(small.store());
  ASSERT_EQ(small.run({"--batch", "2"}).code, 0);
  const auto after = image_hashes(small.store());
  EXPECT_EQ(after.size(), 12u);
  for (const auto& [key, hash] : before) EXPECT_EQ(after.at(key), hash);
}

TEST(Run, TakesBuiltinCaptionsOfWhichMoreCanBeMadeLater) {
  const SmallExperiment small;
  const std::vector<std::string> scenes{"--set", "prompts={builtin=\"shapes\", count=5}", "--set", "grid.steps=[1]"};
  auto limited = scenes;
  limited.insert(limited.end(), {"--limit", "2"});
  EXPECT_EQ(small.run(limited).code, 0);
  const auto before = image_hashes(small.store());
  EXPECT_EQ(before.size(), 2U);
  const Finished finished = small.run(scenes);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto after = image_hashes(small.store());
  EXPECT_EQ(after.size(), 5U);
  for (const auto& [image, hash] : before) EXPECT_EQ(after.at(image), hash);

  SQLite::Database database(small.store().string(), SQLite::OPEN_READONLY);
  SQLite::Statement select(database, "SELECT row, text, source FROM prompt ORDER BY row");
  std::uint64_t row = 0;
  for (; select.executeStep(); ++row) {
    EXPECT_EQ(select.getColumn(0).getInt64(), static_cast<std::int64_t>(row));
    EXPECT_EQ(select.getColumn(1).getString(), make_shape_scene(ShapeSplit::kTest, row).caption);
    EXPECT_EQ(select.getColumn(2).getString(), shapes_hash(ShapeSplit::kTest, ShapeStyle::kFilled));
  }
  EXPECT_EQ(row, 5U);
}

TEST(Run, DryRunMakesNoStore) {
  const SmallExperiment small;
  const Finished finished = small.run({"--dry-run"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out,
              HasSubstr("2 cells, 12 images to make of 12, 30 network evaluations of which cells share 6: "
                        "24 and 12 decodes are computed"));
  EXPECT_THAT(finished.out, HasSubstr("time: unknown"));
  EXPECT_FALSE(std::filesystem::exists(small.store()));
}

TEST(Run, TimesEachStageRawAndOnce) {
  SmallExperiment small;
  small.more = "[timing]\nbatch = [1, 2]\nwarmup = 1\nrepetitions = 3\n";
  ASSERT_EQ(small.run().code, 0);
  EXPECT_EQ(count(small.store(), "timing_sample"), 2 * 2 * 3 * 3);  // cells, batches, stages, repetitions
  EXPECT_EQ(count(small.store(), "timing_sample WHERE ms > 0"), 36);
  EXPECT_EQ(count(small.store(), "(SELECT DISTINCT process FROM timing_sample)"), 1);
  ASSERT_EQ(small.run().code, 0);
  EXPECT_EQ(count(small.store(), "timing_sample"), 36);
  EXPECT_THAT(small.run({"--dry-run"}).out, HasSubstr("time: at most"));
  ASSERT_EQ(small.run({"--retime"}).code, 0);
  EXPECT_EQ(count(small.store(), "timing_sample"), 72);
  EXPECT_EQ(count(small.store(), "(SELECT DISTINCT process FROM timing_sample)"), 2);
  const auto cell = small.report().at("cells").at(0);
  ASSERT_EQ(cell.at("timing_ms").at("batch"), 1);
  for (const char* stage : {"text", "denoise", "decode", "total"})
    EXPECT_EQ(cell.at("timing_ms").at(stage).at("n"), 3) << stage;
}

TEST(Run, KeepsTheImagesThatWereMeasured) {
  SmallExperiment small;
  small.more = "[images]\nkeep = true\n";
  ASSERT_EQ(small.run().code, 0);
  SQLite::Database database(small.store().string(), SQLite::OPEN_READONLY);
  SQLite::Statement select(database, "SELECT image_path, image_sha256 FROM sample");
  int images = 0;
  for (; select.executeStep(); ++images) {
    const Image image = read_image(small.folder.path() / select.getColumn(0).getString());
    EXPECT_EQ(image_hash(image), select.getColumn(1).getString());
  }
  EXPECT_EQ(images, 12);
}

TEST(Run, GivesItsTableAgainWhenItsImagesWereRemoved) {
  SmallExperiment small;
  small.more = "[images]\nkeep = true\n";
  ASSERT_EQ(small.run().code, 0);
  const auto images = std::filesystem::path(small.store()).replace_extension(".images");
  ASSERT_GT(std::filesystem::remove_all(images), 12U);
  const Finished again = small.run();
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("complete"));
}

TEST(Run, ThatMayWriteNoLargerFileEndsWithWhatToDo) {
  SmallExperiment small;
  const Finished finished = small.run({}, [] {
    const rlimit most{50'000, 50'000};
    ::setrlimit(RLIMIT_FSIZE, &most);
  });
  EXPECT_EQ(finished.code, 4) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("ulimit -f"));
}

TEST(Run, KeepsTheImagesOfTheFirstPromptsAlone) {
  SmallExperiment small;
  small.more = "[images]\nkeep = 2\n";
  ASSERT_EQ(small.run().code, 0);
  SQLite::Database database(small.store().string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM sample WHERE image_path != ''").getInt(), 4);
  EXPECT_EQ(
      database
          .execAndGet("SELECT count(*) FROM sample JOIN prompt ON prompt.id = prompt_id WHERE image_path != '' AND "
                      "row < 2")
          .getInt(),
      4);
}

TEST(Run, ABrokenCheckpointFailsItsCellsAndTheOthersGoOn) {
  SmallExperiment small;
  const auto broken = small.folder.path() / "broken";
  std::filesystem::copy(small.golden + "/checkpoints/sd15", broken, std::filesystem::copy_options::recursive);
  const auto weights = broken / "unet/diffusion_pytorch_model.safetensors";
  const std::string bytes = read_file(weights);
  std::string broken_bytes = bytes;
  broken_bytes.replace(bytes.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));  // NaN, which no header tells
  small.folder.write("broken/unet/diffusion_pytorch_model.safetensors", broken_bytes);
  small.checkpoints = small.checkpoint("broken", "ddim", broken) + small.checkpoint("lcm", "lcm");
  const Finished finished = small.run();
  EXPECT_EQ(finished.code, 13);
  EXPECT_THAT(finished.err, HasSubstr("2 of 4 cells failed"));
  EXPECT_THAT(finished.err, HasSubstr(broken.string()));
  const auto cells = small.report().at("cells");
  EXPECT_EQ(cells.at(0).at("state"), "failed");
  EXPECT_EQ(cells.at(2).at("state"), "complete");
  EXPECT_THAT(run_program("fewstep", {"report", small.store()}).out, HasSubstr("failed"));

  std::ofstream(weights, std::ios::binary) << bytes;
  EXPECT_EQ(small.run().code, 0);
  const auto mended = small.report().at("cells");
  for (const auto& cell : mended) EXPECT_EQ(cell.at("state"), "complete");
}

TEST(Run, LatentsThatAreNotFiniteFailTheirCell) {
  SmallExperiment small;
  const auto broken = small.folder.path() / "broken";
  std::filesystem::copy(small.golden + "/checkpoints/lcm", broken, std::filesystem::copy_options::recursive);
  std::string bytes = read_file(broken / "unet/diffusion_pytorch_model.safetensors");
  bytes.replace(bytes.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));  // NaN
  small.folder.write("broken/unet/diffusion_pytorch_model.safetensors", bytes);
  small.checkpoints = small.checkpoint("broken", "lcm", broken);
  const Finished finished = small.run();
  EXPECT_EQ(finished.code, 13);
  EXPECT_THAT(finished.err, HasSubstr("expected finite latents"));
  EXPECT_EQ(count(small.store(), "sample"), 0);
}

TEST(Run, ErrorsComeInOneMessageWithTheirCode) {
  SmallExperiment small;
  small.top = "sede = 4\n";
  Finished finished = small.run();
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("small.toml:3:1"));
  EXPECT_THAT(finished.err, HasSubstr("seed"));
  small.top.clear();

  finished = small.run({"--set", "prompts.text=CAPTION"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("CAPTION"));
  EXPECT_THAT(finished.err, HasSubstr("caption"));

  finished = run_program("fewstep", {"run", small.write(), "--store", small.store(), "--device", "cuda:77"});
  EXPECT_EQ(finished.code, 4);
  EXPECT_THAT(finished.err, HasSubstr("cuda:77"));
  EXPECT_FALSE(std::filesystem::exists(small.store())) << "nothing was computed";

  small.checkpoints = small.checkpoint("sd15", "lcm");
  finished = small.run();
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("ddim, dpm, dpm++"));
  EXPECT_LE(std::count(finished.err.begin(), finished.err.end(), '\n'), 3);
}

TEST(Program, AnswersWithoutLibTorch) {
  const Finished finished = run_program("fewstep", {"--help"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_LT(finished.seconds, 0.2);
  const auto libraries = read_file(std::filesystem::path(FEWSTEP_BINARY_DIR) / "fewstep");
  EXPECT_EQ(libraries.find("libtorch"), std::string::npos);
}

// A teacher with random weights, two students of it, each at two iteration counts: trained, then evaluated.
void ask_for_two_students(SmallExperiment& small) {
  small.captions = 2;
  small.steps = "[1]";
  small.checkpoints = small.checkpoint("sd15", "ddim") +
                      "[[distill]]\nname = \"k\"\nrecipe = \"lcd.toml\"\nskip_step = [5, 20]\nevaluate_at = [2, 4]\n";
  small.folder.write("lcd.toml",
                     "name = \"lcd\"\nmethod = \"lcd\"\nseed = 1\noutput = \"unused\"\n[lcd]\nteacher = \"" +
                         small.golden +
                         "/checkpoints/sd15\"\nomega = [2.0, 8.0]\nomega_embedding_dim = 16\n[data]\n"
                         "builtin = \"shapes\"\ncount = 8\nresolution = 16\ncache = \"cache\"\n[train]\n"
                         "steps = 4\nbatch = 2\nlearning_rate = 1e-3\nreport_every = 2\n");
}

TEST(Run, TrainsFirstWhatTheExperimentAsksForAndKeepsTheLossCurves) {
  SmallExperiment small;
  ask_for_two_students(small);
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::current_path(small.folder.path());  // results/ is made where the program runs
  const Finished plan = small.run({"--dry-run"});
  const Finished finished = small.run();
  const Finished again = small.run();
  std::filesystem::current_path(here);
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("lcd in 4 steps of 2 images"));
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("trained by this recipe already"));

  const auto cells = small.report().at("cells");
  std::vector<std::string> names;
  for (const auto& cell : cells) {
    EXPECT_EQ(cell.at("state"), "complete");
    names.push_back(cell.at("checkpoint").get<std::string>());
  }
  // Each on its own grid alone, of 1000/k times.
  EXPECT_EQ(names, (std::vector<std::string>{"sd15", "k5-2", "k5-4", "k20-2", "k20-4"}));
  EXPECT_EQ(cells.at(1).at("original_inference_steps"), 200);
  EXPECT_EQ(cells.at(3).at("original_inference_steps"), 50);
  auto store = Store::open(small.store(), Store::Mode::kRead);
  const auto trainings = read_trainings(store);
  ASSERT_EQ(trainings.size(), 4u);
  EXPECT_EQ(trainings[0].losses.size(), 1u);
  EXPECT_EQ(trainings[1].losses.size(), 2u);
  EXPECT_EQ(trainings[1].losses[0], trainings[0].losses[0]);
  EXPECT_THAT(trainings[3].recipe, HasSubstr("\"skip_step\":20"));
}

TEST(Run, TrainsWhatTheSelectedCellsNeedAlone) {
  SmallExperiment small;
  ask_for_two_students(small);
  const std::filesystem::path trained = small.folder.path() / "small.trained";  // beside the store
  const Finished finished = small.run({"--only", "checkpoint=k20-4"});
  EXPECT_TRUE(std::filesystem::exists(trained / "k20"));
  EXPECT_FALSE(std::filesystem::exists(trained / "k5"));
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST(Run, AtGivenTimesKeepsThemInItsStoreAndReports) {
  SmallExperiment small;
  small.captions = 2;
  small.checkpoints = small.checkpoint("lcm", "lcm") + small.checkpoint("sd15", "lcm") + "omega = [0.0]\n";
  small.steps = "[2, 1]\ntimes = { 2 = [999, 499], 1 = 399 }";
  const Finished finished = small.run();
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(
      finished.err,
      HasSubstr("[checkpoint sd15] lcm runs at the given times on a checkpoint whose scheduler is DDIMScheduler"));
  EXPECT_THAT(finished.err, testing::Not(HasSubstr("[checkpoint lcm] lcm runs")));
  const auto cells = small.report().at("cells");
  std::vector<std::string> spacings;
  for (const auto& cell : cells) {
    EXPECT_EQ(cell.at("state"), "complete");
    EXPECT_TRUE(cell.at("original_inference_steps").is_null());
    spacings.push_back(cell.at("spacing"));
  }
  EXPECT_EQ(spacings, (std::vector<std::string>{"times:999-499", "times:399", "times:999-499", "times:399"}));
  EXPECT_THAT(run_program("fewstep", {"report", small.store(), "--format", "csv"}).out,
              HasSubstr(",times:999-499,zero,"));
  const Finished one = run_program("fewstep", {"report", small.store(), "--only", "spacing=times:399"});
  EXPECT_THAT(one.out, testing::AllOf(HasSubstr("1 step"), testing::Not(HasSubstr("2 steps"))));
  EXPECT_EQ(small.run({"--only", "spacing=times:999-499 checkpoint=lcm"}).code, 0);
  const Finished audit = run_program("fewstep", {"audit", small.store(), "--device", "cpu"});
  EXPECT_EQ(audit.code, 0) << audit.out << audit.err;
}

TEST(Run, IsLoudAboutAGuidanceScaleBelowOneOfATeacher) {
  SmallExperiment small;
  small.captions = 2;
  small.steps = "[1]";
  small.metrics = "";
  small.checkpoints = small.checkpoint("sd15", "ddim") + "guidance_scale = [0.0, 1.0]\n" +
                      small.checkpoint("lcm", "lcm") + "guidance_scale = [0.0]\n";
  const Finished finished = small.run();
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err,
              HasSubstr("warning: [checkpoint sd15] guidance_scale = 0 is negative guidance, omega = -1; diffusers "
                        "switches guidance off below 1, which is guidance_scale = 1 here"));
  EXPECT_THAT(finished.err, testing::Not(HasSubstr("checkpoint lcm] guidance")));  // takes omega as an input
  EXPECT_THAT(finished.out,
              HasSubstr("guidance_scale below 1 is negative guidance; diffusers switches guidance off there"));
}

TEST(Run, WritesCaptionsBesideItsImagesWithWhichTheyScoreAsInTheRun) {
  SmallExperiment small;
  small.captions = 11;
  small.checkpoints = small.checkpoint("sd15", "ddim");
  small.steps = "[2]";
  small.more = "[images]\nkeep = true\n";
  ASSERT_EQ(small.run().code, 0);
  const double in_run = small.report().at("cells").at(0).at("metrics").at("clip-score").at("value").get<double>();
  const auto images = small.folder.path() / "small.images";
  const auto score = [&](const std::filesystem::path& captions) {
    return run_program("fewstep", {"score", "--images", images, "--prompts", captions, "--metric", "clip-score",
                                   "--clip", small.golden + "/metrics/clip-tiny", "--json", "--device", "cpu"});
  };
  const Finished by_name = score(images / "captions.csv");
  ASSERT_EQ(by_name.code, 0) << by_name.err;
  EXPECT_NEAR(nlohmann::json::parse(by_name.out).at("scores").at(0).at("value").get<double>(), in_run, 1e-4);
  EXPECT_THAT(by_name.err, HasSubstr("11 captions from column \"text\""));
  EXPECT_THAT(by_name.err, HasSubstr("scored: 11 images of " + images.string() + "; passed over: 1 .csv"));
  // Their names are hashes: lines in any order do not fit them.
  std::string lines;
  for (int i = 0; i < 11; ++i) lines += "caption " + std::to_string(i) + "\n";
  const Finished by_order = score(small.folder.write("lines.txt", lines));
  EXPECT_EQ(by_order.code, 3);
  EXPECT_THAT(by_order.err, HasSubstr("are in no order; give --prompts " + (images / "captions.csv").string()));
}

TEST(Run, SaysWhatItWasMadeFromByNamesThatPeopleKnow) {
  const SmallExperiment small;
  ASSERT_EQ(small.run({"--limit", "4"}).code, 0);
  const std::string brief = run_program("fewstep", {"report", small.store()}).out;
  EXPECT_THAT(brief, Not(HasSubstr("Command ")));
  EXPECT_THAT(brief, HasSubstr("--full: protocols"));
  const std::string table = run_program("fewstep", {"report", small.store(), "--full"}).out;
  EXPECT_THAT(table, HasSubstr("coco2014_captions.tsv: the first 4 of 6 captions (4 cut at 16 tokens), source "));
  EXPECT_THAT(table, HasSubstr("model clip-tiny ("));
  EXPECT_THAT(table, HasSubstr("Experiment file  " + (small.folder.path() / "small.toml").string()));
  EXPECT_THAT(table, HasSubstr("Command          fewstep run "));
  EXPECT_THAT(table, HasSubstr(" --limit 4"));
  const auto page = small.folder.path() / "page.html";
  ASSERT_EQ(run_program("fewstep", {"report", small.store(), "--format", "html", "-o", page}).code, 0);
  EXPECT_THAT(read_file(page),
              HasSubstr("<details><summary>The experiment file</summary><pre>name = &quot;small&quot;"));
}

TEST(Run, OpensNoReferenceThatNoMetricUses) {
  SmallExperiment small;
  small.captions = 1;
  small.steps = "[1]";
  small.more = "[reference]\nimages = \"not-downloaded\"\n";
  EXPECT_EQ(small.run().code, 0);
}

}  // namespace
}  // namespace fewstep
