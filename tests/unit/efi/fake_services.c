/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Boot services of the fake firmware: a page allocator that hands out from the top, a memory map
 * whose key changes with every allocation, the protocols of one image handle and one device.
 */
#include "fake_services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "fake_firmware.h"

#define PAGES     (FAKE_SIZE >> 12)
#define MAP_ENTRY 48 /* larger than the structure, as on real firmware */

static uint8_t page_type[PAGES];
static UINTN map_key;
static int image_handle, device_handle;

EFI_HANDLE fake_image_handle(void)
{
    return &image_handle;
}

void fake_memory_reset(void)
{
    void *at = (void *)(UINTN)FAKE_BASE;
    /* Fresh zeroed pages at addresses that a 32-bit number can hold. */
    void *got = mmap(at, FAKE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    assert_ptr_equal(got, at);
    memset(page_type, EfiConventionalMemory, sizeof(page_type));
    map_key = 1;
}

static bool is_free(uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++)
        if (page_type[i] != EfiConventionalMemory)
            return false;
    return true;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN count,
                                        EFI_PHYSICAL_ADDRESS *at)
{
    uint64_t first;
    assert_int_equal(fake.exits, 0); /* no allocation once ExitBootServices was called */
    if (fake.largest_allocation && (uint64_t)count << 12 > fake.largest_allocation)
        return EFI_OUT_OF_RESOURCES;
    if (!count || count > PAGES)
        return EFI_OUT_OF_RESOURCES;
    if (how == AllocateAddress) {
        if (*at < FAKE_BASE || *at & 0xfff || *at - FAKE_BASE > FAKE_SIZE - ((uint64_t)count << 12))
            return EFI_NOT_FOUND;
        first = (*at - FAKE_BASE) >> 12;
        if (!is_free(first, count))
            return EFI_NOT_FOUND;
    } else {
        for (first = PAGES - count; !is_free(first, count); first--)
            if (!first)
                return EFI_OUT_OF_RESOURCES;
        if (how == AllocateMaxAddress && FAKE_BASE + ((first + count) << 12) - 1 > *at)
            return EFI_OUT_OF_RESOURCES;
    }
    memset(page_type + first, type, count);
    *at = FAKE_BASE + (first << 12);
    map_key++;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS at, UINTN count)
{
    uint64_t first = (at - FAKE_BASE) >> 12;
    assert_true(at >= FAKE_BASE && first + count <= PAGES);
    for (uint64_t i = first; i < first + count; i++)
        assert_int_equal(page_type[i], EfiLoaderData); /* what was not allocated cannot be freed */
    memset(page_type + first, EfiConventionalMemory, count);
    map_key++;
    return EFI_SUCCESS;
}

static void add_entry(uint8_t *to, UINTN index, uint32_t type, uint64_t start, uint64_t pages)
{
    EFI_MEMORY_DESCRIPTOR entry = {.Type = type, .PhysicalStart = start, .NumberOfPages = pages};
    memset(to + index * MAP_ENTRY, 0xee, MAP_ENTRY);
    memcpy(to + index * MAP_ENTRY, &entry, sizeof(entry));
}

/* Low memory and what is at FAKE_BASE; `to` NULL counts only. */
static UINTN list(uint8_t *to)
{
    UINTN count = 0;
    if (to) {
        add_entry(to, 0, fake.exits && fake.take_all ? EfiRuntimeServicesData : EfiBootServicesData,
                  0, 0x90);
        add_entry(to, 1, EfiReservedMemoryType, 0x90000, 0x70);
    }
    count = 2;
    for (uint64_t i = 0, start = 0; i <= PAGES; i++) {
        if (i < PAGES && page_type[i] == page_type[start])
            continue;
        if (to)
            add_entry(to, count,
                      fake.exits && fake.take_all ? EfiRuntimeServicesData : page_type[start],
                      FAKE_BASE + (start << 12), i - start);
        count++;
        start = i;
    }
    return count;
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
                                        UINTN *entry_size, UINT32 *version)
{
    UINTN needed = list(NULL) * MAP_ENTRY, room = *size;
    if (fake.no_memory_map)
        return EFI_INVALID_PARAMETER;
    *size = needed;
    *entry_size = MAP_ENTRY;
    *version = EFI_MEMORY_DESCRIPTOR_VERSION;
    if (room < needed)
        return EFI_BUFFER_TOO_SMALL;
    list((uint8_t *)map);
    *key = map_key;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN key)
{
    assert_ptr_equal(image, &image_handle);
    fake.exits++;
    if (fake.stale_key || fake.take_all || fake.exits <= fake.stale_times)
        map_key++;
    return key == map_key ? EFI_SUCCESS : EFI_INVALID_PARAMETER;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid, void **ret)
{
    EFI_GUID loaded = LOADED_IMAGE_PROTOCOL, volume = SIMPLE_FILE_SYSTEM_PROTOCOL;
    EFI_GUID load2 = {0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}};
    static EFI_LOADED_IMAGE image;
    static struct {
        EFI_DEVICE_PATH node;
        CHAR16 name[24];
        EFI_DEVICE_PATH end;
    } __attribute__((packed)) path;
    static const char own[24] = "\\EFI\\BOOT\\BOOTX64.EFI";

    *ret = NULL;
    if (handle == &image_handle && memcmp(guid, &loaded, sizeof(loaded)) == 0) {
        path.node = (EFI_DEVICE_PATH){
            MEDIA_DEVICE_PATH, MEDIA_FILEPATH_DP, {sizeof(path.node) + sizeof(path.name), 0}};
        path.end = (EFI_DEVICE_PATH){END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}};
        for (unsigned i = 0; i < sizeof(own); i++)
            path.name[i] = (CHAR16)own[i];
        image = (EFI_LOADED_IMAGE){
            .DeviceHandle = &device_handle,
            .FilePath = &path.node,
            .LoadOptions = (void *)(UINTN)fake.load_options,
            .LoadOptionsSize = fake.load_options_size,
            .ImageBase = (void *)(UINTN)(fake.image ? (UINTN)fake.image : fake.image_base),
            .ImageSize = fake.image_size,
        };
        *ret = &image;
    } else if (handle == &device_handle && memcmp(guid, &volume, sizeof(volume)) == 0) {
        if (!fake.no_volume && !fake.network)
            *ret = fake_volume();
    } else if (handle == &device_handle && memcmp(guid, &load2, sizeof(load2)) == 0) {
        if (fake.network)
            *ret = fake_network();
    }
    return *ret ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, void *registration, void **ret)
{
    EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    static EFI_GRAPHICS_OUTPUT_PROTOCOL output;
    (void)registration;
    if (!fake.mode || memcmp(guid, &graphics, sizeof(graphics)) != 0)
        return EFI_NOT_FOUND;
    mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){
        .Info = (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *)(UINTN)fake.mode,
        .FrameBufferBase = 0x80000000};
    output.Mode = &mode;
    *ret = &output;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI locate_handles(EFI_LOCATE_SEARCH_TYPE how, EFI_GUID *guid, void *key,
                                        UINTN *count, EFI_HANDLE **ret)
{
    (void)how;
    (void)guid;
    (void)key;
    (void)count;
    (void)ret;
    return EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI watchdog(UINTN seconds, UINT64 code, UINTN size, CHAR16 *data)
{
    (void)code;
    (void)size;
    (void)data;
    assert_int_equal(seconds, 0);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    (void)microseconds;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes, UINTN *size,
                                      void *data)
{
    static const EFI_GUID global = EFI_GLOBAL_VARIABLE;
    const char *value = name[2] == 'c' ? fake.secure_boot : fake.setup_mode; /* SecureBoot */
    assert_memory_equal(guid, &global, sizeof(global));
    assert_null(attributes);
    if (!value)
        return EFI_NOT_FOUND;
    if (*size < strlen(value))
        return EFI_BUFFER_TOO_SMALL;
    *size = strlen(value);
    for (UINTN i = 0; i < *size; i++)
        ((uint8_t *)data)[i] = (uint8_t)(value[i] - '0');
    return EFI_SUCCESS;
}

EFI_RUNTIME_SERVICES *fake_runtime_services(void)
{
    static EFI_RUNTIME_SERVICES services = {.GetVariable = get_variable};
    return &services;
}

EFI_BOOT_SERVICES *fake_boot_services(void)
{
    static EFI_BOOT_SERVICES services = {
        .AllocatePages = allocate_pages,
        .FreePages = free_pages,
        .GetMemoryMap = get_memory_map,
        .ExitBootServices = exit_boot_services,
        .HandleProtocol = handle_protocol,
        .LocateProtocol = locate_protocol,
        .LocateHandleBuffer = locate_handles,
        .SetWatchdogTimer = watchdog,
        .Stall = stall,
    };
    return &services;
}
