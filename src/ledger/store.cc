#include "ledger/store.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_mode.h"
#include "base/log.h"

namespace ledger {
namespace {

// "oapl", so that other programs' files are told from ours.
constexpr int64_t application_id = 0x6f61706c;
// Another process writes for milliseconds, and its thread alone waits.
constexpr int busy_ms = 5000;

constexpr std::array<Migration, schema_version> all_migrations = {R"sql(
  CREATE TABLE counters (
    client TEXT NOT NULL, limit_name TEXT NOT NULL, window INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (client, limit_name, window)) WITHOUT ROWID;
  CREATE TABLE usage (
    day TEXT NOT NULL, hour INTEGER NOT NULL,
    client TEXT NOT NULL, model TEXT NOT NULL, upstream TEXT NOT NULL, key TEXT NOT NULL,
    requests INTEGER NOT NULL, input INTEGER NOT NULL, cached INTEGER NOT NULL,
    cache_written INTEGER NOT NULL, output INTEGER NOT NULL, reasoning INTEGER NOT NULL,
    nano_dollars INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    PRIMARY KEY (day, hour, client, model, upstream, key)) WITHOUT ROWID;
)sql"};

// Made by us rather than by SQLite, which would let the group and others read it. Its log and
// shared memory get the mode of the file.
int make_file(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return errno == EEXIST ? 0 : errno;
  ::close(fd);
  return 0;
}

StoreError of_errno(const std::string& file, int error) {
  const std::string_view advice =
      error == ENOENT ? ": its folder must exist"
                      : (error == EACCES || error == EPERM
                             ? ": the user that the proxy runs as must be allowed to write there"
                             : "");
  return {.is_for_now = error == ENOSPC || error == EDQUOT,
          .failure = error == ENOSPC || error == EDQUOT ? Failure::full : Failure::other,
          .text = fmt::format(
              "the ledger {} cannot be made ({}){}", file, std::strerror(error), advice)};
}

StoreError of_database(const std::string& file, const DatabaseError& error) {
  return {.is_for_now = error.failure == Failure::full || error.failure == Failure::busy,
          .failure = error.failure,
          .text = fmt::format("the ledger {} cannot be used: {}",
                              file,
                              error.failure == Failure::full ? "the disk is full" : error.text)};
}

StoreError not_ours(const std::string& file) {
  return {.text = fmt::format(
              "{} is another program's SQLite file: name another one for the ledger", file)};
}

StoreError too_new(const std::string& file, int64_t version, int64_t known) {
  return {
      .text = fmt::format(
          "the ledger {} was made by a newer version of openai-proxy (schema {}, this one knows "
          "up to {}): run that version, or name another file",
          file,
          version,
          known)};
}

bool has_tables(Database& database) {
  return database.number("SELECT count(*) FROM sqlite_schema") > 0;
}

// "" where nothing is wrong with the file.
std::string damage_of(Database& database) {
  Statement check = database.prepare("PRAGMA quick_check(1)");
  if (check.step() != Step::row) {
    const DatabaseError error = database.error();
    return error.failure == Failure::corrupt ? error.text : std::string();
  }
  const std::string_view said = check.text(0);
  if (said == "ok") return {};
  // Behind a line that names the database, of which there is one.
  return std::string(said.substr(said.find_last_of('\n') + 1));
}

}  // namespace

bool put_aside(const std::string& file, std::string_view why) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char time[32];
  (void)std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &utc);
  std::string aside = fmt::format("{}.corrupt-{}", file, time);
  for (int i = 2; access(aside.c_str(), F_OK) == 0 && i < 1000; ++i)
    aside = fmt::format("{}.corrupt-{}-{}", file, time, i);
  if (std::rename(file.c_str(), aside.c_str()) != 0) {
    base::log_error("the ledger {} is damaged ({}) and cannot be put aside: {}",
                    file,
                    why,
                    std::strerror(errno));
    return false;
  }
  // What the log holds belongs to that file, and would spoil the new one.
  (void)std::rename((file + "-wal").c_str(), (aside + "-wal").c_str());
  (void)::unlink((file + "-shm").c_str());
  base::log_error(
      "the ledger {} is damaged ({}): it is kept as {}, and a new one is begun, without the usage "
      "that it held",
      file,
      why,
      aside);
  return true;
}

base::Result<Store, StoreError> Store::open(const std::string& file) {
  return open(file, all_migrations);
}

base::Result<Store, StoreError> Store::open(const std::string& file,
                                            std::span<const Migration> migrations) {
  StoreError error;
  // A second time where the first has put a damaged file aside.
  for (int i = 0; i < 2; ++i) {
    if (const int failed = make_file(file); failed != 0) return of_errno(file, failed);
    auto database = Database::open(file, Database::Mode::read_write, busy_ms);
    if (!database) return of_database(file, database.error());
    Store store;
    store.file_ = file;
    store.database_ = std::move(*database);
    struct stat its {};
    if (stat(file.c_str(), &its) == 0) {
      store.device_ = its.st_dev;
      store.inode_ = its.st_ino;
    }
    if (store.check_and_migrate(migrations, error)) {
      base::warn_if_anybody_may_read(file);
      return store;
    }
    if (error.failure != Failure::corrupt) return error;
    store.database_ = {};
    if (!put_aside(file, error.text)) break;
  }
  return error;
}

// The log (WAL) lets readers read while we write, and makes a write of one second one append.
// Synced is it not at each of them but when the log goes into the file (synchronous = NORMAL): a
// killed process loses nothing by that, a power cut at most what came since checkpoint(); the file
// stays whole either way, and the disk is left alone.
bool Store::check_and_migrate(std::span<const Migration> migrations, StoreError& error) {
  const auto failed = [&] {
    const DatabaseError its = database_.error();
    error = of_database(file_, its);
    if (its.failure == Failure::corrupt) error.text = its.text;
    return false;
  };
  if (!database_.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                     "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;")) {
    return failed();
  }
  if (std::string damage = damage_of(database_); !damage.empty()) {
    error = {.failure = Failure::corrupt, .text = std::move(damage)};
    return false;
  }
  // Another process may be about to do the same.
  if (!begin()) return failed();
  const int64_t owner = database_.number("PRAGMA application_id");
  const int64_t version = database_.number("PRAGMA user_version");
  const auto known = static_cast<int64_t>(migrations.size());
  if (owner != application_id && (owner != 0 || version != 0 || has_tables(database_))) {
    roll_back();
    error = not_ours(file_);
    return false;
  }
  if (version > known) {
    roll_back();
    error = too_new(file_, version, known);
    return false;
  }
  bool is_good = true;
  for (const Migration each : migrations.subspan(static_cast<size_t>(version)))
    is_good = is_good && database_.run(each);
  if (is_good && version < known) {
    is_good = database_.run(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", application_id, known)
            .c_str());
  }
  if (is_good && commit()) return true;
  (void)failed();
  roll_back();
  return false;
}

base::Result<Store, StoreError> Store::open_to_read(const std::string& file) {
  if (access(file.c_str(), F_OK) != 0) {
    return StoreError{.text =
                          fmt::format("there is no ledger {}: nothing has been kept yet", file)};
  }
  auto database = Database::open(file, Database::Mode::read_only, busy_ms);
  if (!database) return of_database(file, database.error());
  Store store;
  store.file_ = file;
  store.database_ = std::move(*database);
  Statement owner = store.database_.prepare("PRAGMA application_id");
  if (owner.step() != Step::row) return of_database(file, store.database_.error());
  const int64_t version = store.database_.number("PRAGMA user_version");
  if (owner.number(0) != application_id) {
    return StoreError{.text = fmt::format("{} is no ledger of openai-proxy", file)};
  }
  if (version > schema_version) return too_new(file, version, schema_version);
  if (version < schema_version) {
    return StoreError{.text =
                          fmt::format("the ledger {} was made by an older version of "
                                      "openai-proxy: start this one once, which brings it up to "
                                      "date",
                                      file)};
  }
  return store;
}

bool Store::is_in_place() const {
  struct stat its {};
  return stat(file_.c_str(), &its) == 0 && its.st_dev == device_ && its.st_ino == inode_;
}

int64_t Store::others_version() {
  return database_.number("PRAGMA data_version");
}

bool Store::read_counters(std::vector<Counter>& counters) {
  // Of several windows, SQLite takes the other columns from the row that has the maximum.
  Statement rows = database_.prepare(
      "SELECT client, limit_name, max(window), used FROM counters GROUP BY client, limit_name");
  Step step = rows.step();
  for (; step == Step::row; step = rows.step()) {
    counters.push_back({.client = std::string(rows.text(0)),
                        .limit = std::string(rows.text(1)),
                        .window = rows.number(2),
                        .used = rows.number(3)});
  }
  return step == Step::done;
}

bool Store::add_counters(std::span<const Counter> counters) {
  Statement add = database_.prepare(
      "INSERT INTO counters (client, limit_name, window, used) VALUES (?, ?, ?, ?) "
      "ON CONFLICT DO UPDATE SET used = used + excluded.used");
  for (const Counter& each : counters) {
    add.bind(1, each.client).bind(2, each.limit).bind(3, each.window).bind(4, each.used);
    if (!add.run()) return false;
  }
  return true;
}

bool Store::add_usage(std::span<const Usage> usage) {
  Statement add = database_.prepare(
      "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,"
      " input = input + excluded.input, cached = cached + excluded.cached,"
      " cache_written = cache_written + excluded.cache_written,"
      " output = output + excluded.output, reasoning = reasoning + excluded.reasoning,"
      " nano_dollars = nano_dollars + excluded.nano_dollars,"
      " unpriced = unpriced + excluded.unpriced");
  for (const Usage& each : usage) {
    const Amounts& its = each.amounts;
    add.bind(1, each.day).bind(2, each.hour).bind(3, each.client).bind(4, each.model);
    add.bind(5, each.upstream).bind(6, each.key).bind(7, its.requests).bind(8, its.input);
    add.bind(9, its.cached).bind(10, its.cache_written).bind(11, its.output);
    add.bind(12, its.reasoning).bind(13, its.nano_dollars).bind(14, its.unpriced);
    if (!add.run()) return false;
  }
  return true;
}

bool Store::forget(int64_t window_min, std::string_view day_min) {
  Statement counters = database_.prepare(
      "DELETE FROM counters WHERE window < ? OR window < (SELECT max(window) FROM counters AS "
      "newer "
      "WHERE newer.client = counters.client AND newer.limit_name = counters.limit_name)");
  Statement usage = database_.prepare("DELETE FROM usage WHERE day < ?");
  return counters.bind(1, window_min).run() && usage.bind(1, day_min).run();
}

void Store::checkpoint() {
  // Where a reader is in the way, the rest goes the next time.
  (void)database_.prepare("PRAGMA wal_checkpoint(PASSIVE)").run();
}

}  // namespace ledger
