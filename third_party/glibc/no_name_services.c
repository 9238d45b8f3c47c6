/* Functions of libraries that we never call, and that would have a static program ask glibc's name
 * services, which are shared libraries of the very glibc it was built with: users' home folders and
 * groups (libuv), services' ports (c-ares). Here, nothing is known of any. */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

int getpwuid_r(uid_t user, struct passwd *entry, char *text, size_t size, struct passwd **found)
{
  (void)user, (void)entry, (void)text, (void)size;
  *found = NULL;
  return ENOENT;
}

int getpwnam_r(const char *name, struct passwd *entry, char *text, size_t size,
               struct passwd **found)
{
  (void)name, (void)entry, (void)text, (void)size;
  *found = NULL;
  return ENOENT;
}

int getgrgid_r(gid_t group, struct group *entry, char *text, size_t size, struct group **found)
{
  (void)group, (void)entry, (void)text, (void)size;
  *found = NULL;
  return ENOENT;
}

int getgrnam_r(const char *name, struct group *entry, char *text, size_t size,
               struct group **found)
{
  (void)name, (void)entry, (void)text, (void)size;
  *found = NULL;
  return ENOENT;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
  (void)name, (void)protocol;
  return NULL;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *entry, char *text,
                    size_t size, struct servent **found)
{
  (void)name, (void)protocol, (void)entry, (void)text, (void)size;
  *found = NULL;
  return ENOENT;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *text, size_t size,
                    struct servent **found)
{
  (void)port, (void)protocol, (void)entry, (void)text, (void)size;
  *found = NULL;
  return ENOENT;
}
