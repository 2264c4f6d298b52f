#include "core/known_mistakes.h"

#include "core/files.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;

TEST(Cures, NameTheCommandWithThePathPutIn) {
  EXPECT_EQ(remedy(KnownMistake::kHubId, "owner/model"),
            "; a name on a hub is fetched first: hf download owner/model --local-dir model");
  EXPECT_THAT(remedy(KnownMistake::kSingleFile, "a/b.safetensors"),
              HasSubstr("P.from_single_file('a/b.safetensors').save_pretrained('a/b')"));
  EXPECT_THAT(remedy(KnownMistake::kLoraAlone, "lora"),
              HasSubstr("load_lora_weights('lora'), fuse_lora(), unload_lora_weights()"));
  EXPECT_THAT(remedy(KnownMistake::kTwoTextEncoders, "StableDiffusionXLPipeline"),
              HasSubstr("StableDiffusionXLPipeline belongs"));
}

TEST(Cures, TakeAPathForANameOnAHubWhereNothingLikeItIsThere) {
  const TemporaryFolder folder;
  folder.write("here/file", "");
  EXPECT_THAT(remedy_for_nothing_at(folder.path() / "owner/model"), HasSubstr("hf download owner/model"));
  EXPECT_THAT(remedy_for_nothing_at("no-such-owner/model"), HasSubstr("hf download no-such-owner/model"));
  EXPECT_EQ(remedy_for_nothing_at(folder.path() / "here/model"), "");
  EXPECT_EQ(remedy_for_nothing_at(folder.path() / "model"), "");
  EXPECT_EQ(remedy_for_nothing_at("../no-such-model-anywhere"), "");
  make_folders(folder.path() / "my-lcm");
  EXPECT_EQ(remedy_for_nothing_at(folder.path() / "my-lmc"),
            "; did you mean " + (folder.path() / "my-lcm").string() + "?");
}

}  // namespace
}  // namespace fewstep
