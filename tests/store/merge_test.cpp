#include "store/merge.h"

#include "core/files.h"
#include "store/database.h"
#include "store/filled_store.h"
#include "store/killed.h"
#include "store/read.h"
#include "store/unprivileged.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

// Two folders: "theirs", which only its owner may write to, with what fill puts there, and "mine", which everybody may.
class MergeFromAFolderOfOthers : public testing::Test {
 protected:
  template <typename Fill>
  void fill(Fill&& with) {
    fs::permissions(folder_.path(), fs::perms::all);
    fs::create_directory(theirs().parent_path());
    fs::create_directory(mine().parent_path());
    with();
    for (const auto& entry : fs::recursive_directory_iterator(theirs().parent_path()))
      fs::permissions(entry.path(), entry.is_directory() ? kRead | fs::perms::others_exec : kRead);
    fs::permissions(theirs().parent_path(), kRead | fs::perms::owner_exec | fs::perms::others_exec);
    fs::permissions(mine().parent_path(), fs::perms::all);
  }
  ~MergeFromAFolderOfOthers() override { fs::permissions(theirs().parent_path(), fs::perms::all); }

  // Images after the merge.
  std::size_t merged() const {
    EXPECT_EQ(run_unprivileged([&] {
                Store output = Store::open(mine(), Store::Mode::kWrite);
                merge_into(output, theirs());
              }),
              0);
    Store output = Store::open(mine(), Store::Mode::kRead);
    EXPECT_EQ(check_features(output), static_cast<std::int64_t>(feature_files()));
    return output.finished(1, {}).size();
  }
  std::size_t feature_files() const {
    const fs::directory_iterator files(features_folder(mine()));
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
  fs::path theirs() const { return folder_.path() / "theirs" / "a.sqlite"; }
  fs::path mine() const { return folder_.path() / "mine" / "m.sqlite"; }

  static constexpr fs::perms kRead = fs::perms::owner_read | fs::perms::others_read;
  TemporaryFolder folder_;
};

TEST_F(MergeFromAFolderOfOthers, ReadsAWholeStore) {
  fill([&] { FilledStore(theirs()).add_batch(0, 4); });
  EXPECT_EQ(merged(), 4u);
}

TEST_F(MergeFromAFolderOfOthers, ReadsTheLogOfAKilledRunToo) {
  fill([&] {
    run_until_killed("here", 1, [&] {
      FilledStore filled(theirs());
      filled.add_batch(0, 4);
      filled.add_batch(4, 3);
      fault_point("here");
    });
    fs::remove(theirs().string() + "-shm");  // as where the two files were copied
  });
  ASSERT_GT(log_bytes(theirs()), 0u);
  EXPECT_EQ(merged(), 7u);
}

TEST(Merge, NamesTheSourceThatIsDamaged) {
  const TemporaryFolder folder;
  const auto source = folder.path() / "a.sqlite", output = folder.path() / "m.sqlite";
  { FilledStore(source).add_batch(0, 4); }
  SQLite::Database(source.string(), SQLite::OPEN_READWRITE).exec("DROP TABLE timing_sample");
  Store store = Store::open(output, Store::Mode::kWrite);
  EXPECT_FEWSTEP_ERROR(merge_into(store, source), ExitCode::kInput, source.string());
  EXPECT_EQ(count_rows(store).at("sample"), 0);
}

TEST(Merge, NamesTheFolderOfFeaturesThatIsMissing) {
  const TemporaryFolder folder;
  const auto source = folder.path() / "a.sqlite", output = folder.path() / "m.sqlite";
  { FilledStore(source).add_batch(0, 4); }
  fs::remove_all(features_folder(source));
  Store store = Store::open(output, Store::Mode::kWrite);
  EXPECT_FEWSTEP_ERROR(merge_into(store, source), ExitCode::kInput, "copy the folder a.features beside a.sqlite");
}

}  // namespace
}  // namespace fewstep
