/* What ship() has libraries call in place of dlopen (the linker's --wrap): SQLite would load its
 * extensions with it, which nobody here asks for, and a static program would need the shared libraries
 * of the very glibc it was built with. Here, there are none. */
#include <stddef.h>

void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
  (void)file, (void)mode;
  return NULL;
}
