// Arms that are no arms: each is told, none passes, nothing is written.
#include "core/error.h"
#include "core/files.h"
#include "store/database.h"
#include "temporary.h"
#include "verdicts/compare.h"
#include "verdicts/two_stores.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

class BadArm : public testing::Test {
 protected:
  BadArm() {
    write_arm(good(), {});
    ArmStore other;
    other.keeps_images = true;
    write_arm(bad(), other);
  }
  fs::path good() const { return folder_.path() / "good.sqlite"; }
  fs::path bad() const { return folder_.path() / "bad.sqlite"; }
  int compare(const fs::path& candidate) {
    CompareRequest request;
    request.baseline = good().string();
    request.candidate = candidate.string();
    std::ostringstream out, err;
    return run_compare(request, out, err);
  }
  // What a closed store is on disk: one file.
  std::string bytes() {
    { SQLite::Database(bad().string(), SQLite::OPEN_READWRITE).exec("PRAGMA wal_checkpoint(TRUNCATE)"); }
    return read_file(bad());
  }

  TemporaryFolder folder_;
};

TEST_F(BadArm, ThatIsNoStoreIsRefused) {
  EXPECT_FEWSTEP_ERROR(compare(folder_.path() / "missing.sqlite"), ExitCode::kInput, "missing.sqlite");
  EXPECT_FEWSTEP_ERROR(compare(folder_.write("text.sqlite", "no store at all")), ExitCode::kInput, "text.sqlite");
  EXPECT_FEWSTEP_ERROR(compare(folder_.write("empty.sqlite", "")), ExitCode::kInput, "empty.sqlite");
  EXPECT_FEWSTEP_ERROR(compare(folder_.path()), ExitCode::kInput, folder_.path().string());
}

TEST_F(BadArm, ThatIsANewerStoreIsRefused) {
  SQLite::Database(bad().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE schema_version SET version = " + std::to_string(kSchemaVersion + 1));
  EXPECT_FEWSTEP_ERROR(compare(bad()), ExitCode::kInput, "use a newer fewstep");
}

TEST_F(BadArm, ThatIsTruncatedIsNeverAPass) {
  const std::string whole = bytes();
  for (const double part : {0.05, 0.4, 0.8, 0.98}) {
    const auto file = folder_.write("cut.sqlite", whole.substr(0, static_cast<std::size_t>(part * whole.size())));
    try {
      EXPECT_NE(compare(file), 0) << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
    }
  }
}

TEST_F(BadArm, WithoutARunSaysSo) {
  Store::open(folder_.path() / "new.sqlite", Store::Mode::kWrite);
  EXPECT_FEWSTEP_ERROR(compare(folder_.path() / "new.sqlite"), ExitCode::kInput, "expected a store with a run");
}

TEST_F(BadArm, ThatIsWrittenToOrReadOnlyIsReadAllTheSame) {
  {
    const Store writer = Store::open(bad(), Store::Mode::kWrite);
    EXPECT_EQ(compare(bad()), 0) << "its lock is for writers";
  }
  bytes();
  fs::permissions(bad(), fs::perms::owner_read);
  EXPECT_EQ(compare(bad()), 0);
  fs::permissions(bad(), fs::perms::owner_all);
}

TEST_F(BadArm, WithoutItsFeatureFilesOrPicturesIsComparedAllTheSame) {
  fs::remove_all(folder_.path() / "bad.features");
  fs::remove_all(folder_.path() / "bad.images");
  EXPECT_EQ(compare(bad()), 0);
}

TEST_F(BadArm, OfAnotherLengthIsNotComparable) {
  ArmStore shorter;
  shorter.prompts = 60;
  write_arm(folder_.path() / "short.sqlite", shorter);
  EXPECT_EQ(compare(folder_.path() / "short.sqlite"), 12);
}

TEST_F(BadArm, WhoseInfluencesWereForgedIsDamaged) {
  SQLite::Database(bad().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE score SET influence = x'00', value = value + 1");
  SQLite::Database(bad().string(), SQLite::OPEN_READWRITE).exec("UPDATE run_cell SET images_sha256 = 'x'");
  EXPECT_FEWSTEP_ERROR(compare(bad()), ExitCode::kInput, "influences");
  SQLite::Database(bad().string(), SQLite::OPEN_READWRITE).exec("UPDATE run_cell SET tripped = '{\"noise\": -1}'");
  EXPECT_FEWSTEP_ERROR(compare(bad()), ExitCode::kInput, "tripwire");
}

}  // namespace
}  // namespace fewstep
