#pragma once

// SQLite, as far as the ledger needs it: its only door. Nothing throws; what failed, the database
// remembers.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ledger {

// What to do about it differs.
enum class Failure : uint8_t {
  none,
  full,     // no room on the disk
  busy,     // another process is writing, for too long
  corrupt,  // damaged, or no database at all
  other,    // not allowed, the disk fails …
};

// Value.
struct DatabaseError {
  Failure failure = Failure::none;
  std::string text;  // SQLite's words
};

enum class Step : uint8_t { row, done, failed };

// Movable value with one owner: a prepared statement. Lives shorter than its database. One that
// could not be prepared fails at its first step.
class Statement {
 public:
  // Parameters are counted from 1. The text must live until the step.
  Statement& bind(int parameter, int64_t value);
  Statement& bind(int parameter, std::string_view text);
  // To the next row.
  [[nodiscard]] Step step();
  // Runs it to its end and makes it ready to be bound anew; false where it failed.
  [[nodiscard]] bool run();

  // Columns are counted from 0; the view lives until the next step.
  [[nodiscard]] int64_t number(int column) const;
  [[nodiscard]] std::string_view text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Movable resource: one connection. One thread at a time.
class Database {
 public:
  enum class Mode : uint8_t { read_write, read_only };

  Database() = default;
  // The file must exist. A reader of one that nobody has open, in a folder it may not write to,
  // reads it as it lies there. Waits up to `busy_ms` for others, here and later.
  [[nodiscard]] static base::Result<Database, DatabaseError> open(const std::string& file,
                                                                  Mode mode,
                                                                  int busy_ms);

  explicit operator bool() const { return connection_ != nullptr; }

  // Runs statements that give no rows; false where one failed.
  [[nodiscard]] bool run(const char* statements);
  [[nodiscard]] Statement prepare(const char* statement);
  // The first column of the only row: a pragma's or a count; 0 where it failed.
  [[nodiscard]] int64_t number(const char* statement);
  // Ends a transaction that is to leave nothing; nothing where there is none.
  void roll_back();

  // Of what failed last.
  [[nodiscard]] DatabaseError error() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };

  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace ledger
