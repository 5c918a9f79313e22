// The one function of mlx-c that takes a variable list of arguments: formats what C programs report, places included.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void elmmlx_report_error(const char* message); // ErrorReport.cs

void _mlx_error(const char* file, const int line, const char* fmt, ...) {
  if (!fmt)
    fmt = "(no message)";
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, fmt, again);
  va_end(again);
  int place = snprintf(NULL, 0, " at %s:%d", file, line);
  char* message = length < 0 || place < 0 ? NULL : malloc((size_t)length + (size_t)place + 1);
  if (message) {
    vsnprintf(message, (size_t)length + 1, fmt, args);
    snprintf(message + length, (size_t)place + 1, " at %s:%d", file, line);
  }
  va_end(args);
  elmmlx_report_error(message ? message : fmt);
  free(message);
}
