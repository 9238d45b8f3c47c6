#include "ledger/database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>
#include <utility>

namespace ledger {
namespace {

Failure failure_of(int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return Failure::none;
    case SQLITE_FULL:
      return Failure::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Failure::corrupt;
    case SQLITE_IOERR:
      // Its shared memory is a file too, which grows by itself.
      return code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_WRITE ? Failure::full
                                                                        : Failure::other;
    default:
      return Failure::other;
  }
}

// As a URI (RFC 3986), in which SQLite takes options.
std::string as_uri(const std::string& file) {
  std::string uri = "file:";
  for (const char c : file) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned>(c));
    } else {
      uri += c;
    }
  }
  return uri;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int parameter, int64_t value) {
  if (statement_) sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  if (statement_) {
    // Not of length 0 at no address: that would be NULL.
    const char* bytes = text.empty() ? "" : text.data();
    sqlite3_bind_text(
        statement_.get(), parameter, bytes, static_cast<int>(text.size()), SQLITE_STATIC);
  }
  return *this;
}

Step Statement::step() {
  if (!statement_) return Step::failed;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return Step::row;
  return code == SQLITE_DONE ? Step::done : Step::failed;
}

bool Statement::run() {
  Step last = step();
  while (last == Step::row)
    last = step();
  if (last == Step::done) sqlite3_reset(statement_.get());
  return last == Step::done;
}

int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

base::Result<Database, DatabaseError> Database::open(const std::string& file,
                                                     Mode mode,
                                                     int busy_ms) {
  const bool is_writer = mode == Mode::read_write;
  const int flags = (is_writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_URI |
                    SQLITE_OPEN_NOMUTEX;
  // Without its shared memory, which it may not make there, SQLite reads a file only where nobody
  // promises to change it; no log beside it means that nobody has it open.
  const bool is_resting = !is_writer && access((file + "-wal").c_str(), F_OK) != 0;
  sqlite3* connection = nullptr;
  const std::string uri = as_uri(file) + (is_resting ? "?immutable=1" : "");
  const int code = sqlite3_open_v2(uri.c_str(), &connection, flags, nullptr);
  Database database;
  database.connection_.reset(connection);
  if (code != SQLITE_OK) {
    return connection == nullptr ? DatabaseError{Failure::other, sqlite3_errstr(code)}
                                 : database.error();
  }
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, busy_ms);
  return database;
}

bool Database::run(const char* statements) {
  return sqlite3_exec(connection_.get(), statements, nullptr, nullptr, nullptr) == SQLITE_OK;
}

Statement Database::prepare(const char* statement) {
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(connection_.get(), statement, -1, &prepared, nullptr);
  Statement its;
  its.statement_.reset(prepared);
  return its;
}

int64_t Database::number(const char* statement) {
  Statement its = prepare(statement);
  return its.step() == Step::row ? its.number(0) : 0;
}

void Database::roll_back() {
  if (sqlite3_get_autocommit(connection_.get()) == 0) (void)run("ROLLBACK");
}

DatabaseError Database::error() const {
  return {failure_of(sqlite3_extended_errcode(connection_.get())),
          sqlite3_errmsg(connection_.get())};
}

}  // namespace ledger
