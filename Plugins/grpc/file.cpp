#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace spindle_grpc {

bool file_read(std::string &bytes, const char *path, const spindle_instance_config &source, size_t most, std::string &why) {
    struct stat status;
    int fd = -1;
    if (SPINDLE_HAS(&source, file_count)) {
        for (size_t i = 0; i < source.file_count && fd < 0; i++) {
            // The host's descriptor stays its own.
            if (spindle_str_is(source.files[i]->name, path)) fd = fcntl(source.files[i]->fd, F_DUPFD_CLOEXEC, 3);
        }
    }
    if (fd < 0 && path[0] != '/') {
        why = "it is neither an absolute path nor the name of one of the instance's files";
        return false;
    }
    // A FIFO must not make the host wait.
    if (fd < 0) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        why = errno == ENOENT ? "there is no such file (at sandbox it has to be granted under needs.read)"
                              : "the file cannot be opened; the plugin's user has to be able to read it";
        return false;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 1 || (uint64_t)status.st_size > most) {
        why = "it is not a regular file, is empty, or is longer than " + std::to_string(most) + " bytes";
        close(fd);
        return false;
    }
    bytes.assign((size_t)status.st_size, '\0');
    size_t had = 0;
    while (had < bytes.size()) {
        ssize_t count = pread(fd, &bytes[had], bytes.size() - had, (off_t)had);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        had += (size_t)count;
    }
    close(fd);
    if (had < bytes.size()) {
        why = "the file could not be read whole";
        return false;
    }
    return true;
}

} // namespace spindle_grpc
