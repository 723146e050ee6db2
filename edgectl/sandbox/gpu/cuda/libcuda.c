/* The sandbox's libcuda.so.1: as much of the CUDA driver API as a smoke needs, computed on the CPU.
 *
 * What it shows and how it fails is read at cuInit from the folder of knobs (/etc/sandbox-gpu):
 *   hardware  how many GPUs there are; where it is missing, `built-in` says it
 *   cuda      lines "INDEX FAULT" or "all FAULT":
 *               wrong [ELEMENT]   one number of the result is wrong, the last if none is named
 *               hang              the GPU never ends
 *               error<N>          the CUresult N, at the call at which a real driver gives it
 *               free<N>           only N MiB of its memory are free
 *               driver<N>         cuDriverGetVersion says N
 * Like the real one it wants /dev/nvidiactl (else 100) and /dev/nvidia-uvm (else 999), takes CUDA_VISIBLE_DEVICES, and
 * refuses calls before cuInit (3) or without a context (201), and works with the kernel's driver of its own version
 * only (else 803). SANDBOX_GPU, SANDBOX_DEV and SANDBOX_PROC are other folders, for tests. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef DRIVER
#error the version of the driver that it belongs to: -DDRIVER='"580.95.05"'
#endif

enum { GPUS = 64, UUID_TEXT = 41 };
enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
       INVALID_IMAGE = 200, INVALID_CONTEXT = 201, NOT_FOUND = 500, MISMATCH = 803, UNKNOWN = 999 };
enum stage { AT_INIT, AT_CONTEXT, AT_MODULE, AT_MEMORY, AT_SYNCHRONIZE };

struct gpu { char uuid[UUID_TEXT]; int hang, error; long wrong, free_mib; };

static struct gpu gpus[GPUS];
static struct gpu *visible[GPUS], *current;
static int hardware, shown, ready, version = 12080, retained, launched;

static const struct { int number; const char *name, *text; enum stage stage; } errors[] = {
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument", AT_SYNCHRONIZE},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory", AT_MEMORY},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error", AT_INIT},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library", AT_INIT},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable", AT_CONTEXT},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected", AT_INIT},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal", AT_CONTEXT},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid", AT_MODULE},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context", AT_CONTEXT},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device", AT_MODULE},
    {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered", AT_SYNCHRONIZE},
    {221, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "PTX JIT compiler library not found", AT_MODULE},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found", AT_MODULE},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered", AT_SYNCHRONIZE},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure", AT_SYNCHRONIZE},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized", AT_INIT},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination", AT_INIT},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error", AT_INIT},
};

static size_t row(int number) {
    size_t at = 0;
    while (at < sizeof errors / sizeof *errors && errors[at].number != number) at++;
    return at;
}

static int known(int number) { return row(number) < sizeof errors / sizeof *errors; }

/* fault returns a GPU's error if it belongs to this stage; errors that are not in the table come from the kernel. */
static int fault(const struct gpu *gpu, enum stage stage) {
    if (!gpu || !gpu->error) return 0;
    return (known(gpu->error) ? errors[row(gpu->error)].stage : AT_SYNCHRONIZE) == stage ? gpu->error : 0;
}

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static FILE *knob(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", setting("SANDBOX_GPU", "/etc/sandbox-gpu"), name);
    return fopen(path, "r");
}

static int number_in(const char *name, int *value) {
    FILE *file = knob(name);
    int found = file && fscanf(file, "%d", value) == 1;
    if (file) fclose(file);
    return found;
}

static int device_file(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", setting("SANDBOX_DEV", "/dev"), name);
    return access(path, F_OK) == 0;
}

static void read_faults(void) {
    FILE *file = knob("cuda");
    char line[256], which[32], what[32];
    while (file && fgets(line, sizeof line, file)) {
        long element = -1;
        if (sscanf(line, "%31s %31s %ld", which, what, &element) < 2) continue;
        int number = 0, all = strcmp(which, "all") == 0;
        if (sscanf(what, "driver%d", &number) == 1) version = number;
        for (int index = 0; index < hardware; index++) {
            if (!all && (which[0] < '0' || which[0] > '9' || atoi(which) != index)) continue;
            if (strcmp(what, "hang") == 0) gpus[index].hang = 1;
            if (strcmp(what, "wrong") == 0) gpus[index].wrong = element < 0 ? -1 : element;
            if (sscanf(what, "error%d", &number) == 1) gpus[index].error = number;
            if (sscanf(what, "free%d", &number) == 1) gpus[index].free_mib = number;
        }
    }
    if (file) fclose(file);
}

/* mismatch says whether the kernel's driver is of another version than this library. */
static int mismatch(void) {
    char path[4096], line[512] = "";
    snprintf(path, sizeof path, "%s/driver/nvidia/version", setting("SANDBOX_PROC", "/proc"));
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    int other = fgets(line, sizeof line, file) && !strstr(line, "  " DRIVER "  ");
    fclose(file);
    return other;
}

/* show takes one word of CUDA_VISIBLE_DEVICES, an index or a UUID or how one begins; the list ends at what is unknown. */
static int show(const char *word) {
    for (int index = 0; index < hardware; index++) {
        int fits = strncmp(word, "GPU-", 4) == 0 ? strncmp(gpus[index].uuid, word, strlen(word)) == 0
                                                 : word[0] >= '0' && word[0] <= '9' && atoi(word) == index;
        if (fits && shown < GPUS) visible[shown++] = &gpus[index];
        if (fits) return 1;
    }
    return 0;
}

int cuInit(unsigned int flags) {
    if (flags) return INVALID_VALUE;
    if (ready) return 0;
    if (!device_file("nvidiactl")) return NO_DEVICE;
    if (mismatch()) return MISMATCH;
    if (!device_file("nvidia-uvm")) return UNKNOWN;
    shown = 0;
    if (!number_in("hardware", &hardware) && !number_in("built-in", &hardware)) hardware = 0;
    hardware = hardware < 0 ? 0 : hardware > GPUS ? GPUS : hardware;
    for (int index = 0; index < hardware; index++) {
        gpus[index] = (struct gpu){.wrong = -2, .free_mib = 8 << 10};
        snprintf(gpus[index].uuid, UUID_TEXT, "GPU-5a9dbc01-0000-4000-8000-%012d", index);
    }
    read_faults();
    char *wanted = getenv("CUDA_VISIBLE_DEVICES") ? strdup(getenv("CUDA_VISIBLE_DEVICES")) : NULL, *rest = wanted, *word;
    for (int index = 0; !wanted && index < hardware; index++) visible[shown++] = &gpus[index];
    while ((word = strsep(&rest, ",")) && show(word)) continue;
    free(wanted);
    if (!shown) return NO_DEVICE;
    for (int at = 0; at < shown; at++)
        if (!fault(visible[at], AT_INIT)) ready = 1; /* one bad GPU among good ones fails when it is used */
    return ready ? 0 : fault(visible[0], AT_INIT);
}

int cuDriverGetVersion(int *found) { return *found = version, 0; }

int cuDeviceGetCount(int *count) { return ready ? (*count = shown, 0) : NOT_INITIALIZED; }

int cuDeviceGet(int *device, int ordinal) {
    if (!ready) return NOT_INITIALIZED;
    return ordinal >= 0 && ordinal < shown ? (*device = ordinal, 0) : INVALID_DEVICE;
}

int cuDeviceGetUuid_v2(unsigned char *bytes, int device) {
    if (!ready || device < 0 || device >= shown) return ready ? INVALID_DEVICE : NOT_INITIALIZED;
    const char *text = visible[device]->uuid + 4;
    for (int at = 0; at < 16; at++, text += 2) {
        if (*text == '-') text++;
        unsigned int byte = 0;
        sscanf(text, "%2x", &byte);
        bytes[at] = (unsigned char)byte;
    }
    return 0;
}

int cuDeviceGetUuid(unsigned char *bytes, int device) { return cuDeviceGetUuid_v2(bytes, device); }

int cuDeviceGetName(char *name, int size, int device) {
    if (!ready || device < 0 || device >= shown) return ready ? INVALID_DEVICE : NOT_INITIALIZED;
    return snprintf(name, (size_t)size, "Sandbox GPU"), 0;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    if (!ready || device < 0 || device >= shown) return ready ? INVALID_DEVICE : NOT_INITIALIZED;
    return *bytes = (size_t)8 << 30, 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    if (!ready || device < 0 || device >= shown) return ready ? INVALID_DEVICE : NOT_INITIALIZED;
    int error = fault(visible[device], AT_INIT);
    if (error || (error = fault(visible[device], AT_CONTEXT))) return error;
    return retained++, *context = visible[device], 0;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    if (!ready || device < 0 || device >= shown) return ready ? INVALID_DEVICE : NOT_INITIALIZED;
    return retained > 0 ? (retained--, 0) : INVALID_CONTEXT;
}

int cuCtxSetCurrent(void *context) { return ready ? (current = context, 0) : NOT_INITIALIZED; }

int cuModuleLoadData(void **module, const void *image) {
    if (!current) return INVALID_CONTEXT;
    if (!strstr(image, ".visible .entry edgectl_smoke(.param .u64 x, .param .u64 y, .param .u32 n)")) return INVALID_IMAGE;
    return *module = current, fault(current, AT_MODULE);
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    if (!current) return INVALID_CONTEXT;
    return *function = module, strcmp(name, "edgectl_smoke") == 0 ? 0 : NOT_FOUND;
}

int cuModuleUnload(void *module) { return current && module == current ? 0 : INVALID_CONTEXT; }

int cuMemAlloc_v2(uint64_t *pointer, size_t size) {
    if (!current) return INVALID_CONTEXT;
    if (fault(current, AT_MEMORY) || size > (size_t)current->free_mib << 20) return OUT_OF_MEMORY;
    *pointer = (uint64_t)(uintptr_t)malloc(size);
    return *pointer ? 0 : OUT_OF_MEMORY;
}

int cuMemFree_v2(uint64_t pointer) { return current ? (free((void *)(uintptr_t)pointer), 0) : INVALID_CONTEXT; }

static int copy(void *target, const void *source, size_t size) {
    return current ? (memcpy(target, source, size), 0) : INVALID_CONTEXT;
}

int cuMemcpyHtoD_v2(uint64_t target, const void *source, size_t size) { return copy((void *)(uintptr_t)target, source, size); }

int cuMemcpyDtoH_v2(void *target, uint64_t source, size_t size) { return copy(target, (void *)(uintptr_t)source, size); }

int cuMemcpyDtoD_v2(uint64_t target, uint64_t source, size_t size) {
    return copy((void *)(uintptr_t)target, (void *)(uintptr_t)source, size);
}

/* What the PTX computes: y[i] = x[i] * 3 + i, by as many threads as were launched. */
int cuLaunchKernel(void *function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x,
                   unsigned int block_y, unsigned int block_z, unsigned int shared, void *stream, void **values, void **extra) {
    (void)shared, (void)stream, (void)extra;
    if (!current || function != current) return INVALID_CONTEXT;
    if (grid_y * grid_z * block_y * block_z != 1) return INVALID_VALUE;
    const uint32_t *x = (const uint32_t *)(uintptr_t) * (uint64_t *)values[0];
    uint32_t *y = (uint32_t *)(uintptr_t) * (uint64_t *)values[1], count = *(uint32_t *)values[2];
    uint32_t threads = grid_x * block_x;
    for (uint32_t i = 0; i < count && i < threads; i++) y[i] = x[i] * 3 + i;
    if (current->wrong > -2 && count) y[current->wrong < 0 ? count - 1 : (uint32_t)current->wrong % count] ^= 1;
    return launched = 1, 0;
}

int cuCtxSynchronize(void) {
    if (!current) return INVALID_CONTEXT;
    while (launched && current->hang) pause();
    return launched ? fault(current, AT_SYNCHRONIZE) : 0;
}

int cuGetErrorName(int error, const char **name) {
    return *name = known(error) ? errors[row(error)].name : NULL, *name ? 0 : INVALID_VALUE;
}

int cuGetErrorString(int error, const char **text) {
    return *text = known(error) ? errors[row(error)].text : NULL, *text ? 0 : INVALID_VALUE;
}
