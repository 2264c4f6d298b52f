#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <span>

namespace fewstep {

// What makes a store of one schema version from one of the version before; the first makes it from nothing.
// docs/schema.md explains what each table is for.
struct Migration {
  int version;
  const char* sql;
};
extern const std::span<const Migration> kMigrations;

// A writer takes every store to this version; a reader takes older ones as they are.
inline constexpr int kSchemaVersion = 7;

// Runs what the store lacks, all or nothing, and notes the version that it then has. An empty database has version 0.
void migrate(SQLite::Database& database, std::span<const Migration> migrations);

}  // namespace fewstep
