// Made by prices.py of prices.yaml: change that.
#include "openai/prices_table.h"

namespace openai {
namespace {

// clang-format off
constexpr Rates rates_0[] = {
    {.tier = ServiceTier::standard, .input = 500000, .output = 1500000},
};
constexpr Rates rates_1[] = {
    {.tier = ServiceTier::standard, .input = 500000, .output = 1500000},
};
constexpr Rates rates_2[] = {
    {.tier = ServiceTier::standard, .input = 30000000, .output = 60000000},
};
constexpr Rates rates_3[] = {
    {.tier = ServiceTier::standard, .input = 30000000, .output = 60000000},
};
constexpr Rates rates_4[] = {
    {.tier = ServiceTier::standard, .input = 10000000, .output = 30000000},
};
constexpr Rates rates_5[] = {
    {.tier = ServiceTier::standard, .input = 2000000, .cached = 500000, .output = 8000000},
    {.tier = ServiceTier::batch, .input = 1000000, .cached = 250000, .output = 4000000},
};
constexpr Rates rates_6[] = {
    {.tier = ServiceTier::standard, .input = 400000, .cached = 100000, .output = 1600000},
    {.tier = ServiceTier::batch, .input = 200000, .cached = 50000, .output = 800000},
};
constexpr Rates rates_7[] = {
    {.tier = ServiceTier::standard, .input = 100000, .cached = 25000, .output = 400000},
    {.tier = ServiceTier::batch, .input = 50000, .cached = 12500, .output = 200000},
};
constexpr Rates rates_8[] = {
    {.tier = ServiceTier::standard, .input = 2500000, .cached = 1250000, .output = 10000000},
    {.tier = ServiceTier::batch, .input = 1250000, .cached = 625000, .output = 5000000},
};
constexpr Rates rates_9[] = {
    {.tier = ServiceTier::standard, .input = 5000000, .output = 15000000},
};
constexpr Rates rates_10[] = {
    {.tier = ServiceTier::standard, .input = 150000, .cached = 75000, .output = 600000},
    {.tier = ServiceTier::batch, .input = 75000, .cached = 37500, .output = 300000},
};
constexpr Rates rates_11[] = {
    {.tier = ServiceTier::standard, .input = 1250000, .output = 5000000, .audio_input = 3000000},
};
constexpr Rates rates_12[] = {
    {.tier = ServiceTier::standard, .input = 2500000, .output = 10000000, .audio_input = 6000000},
};
constexpr Rates rates_13[] = {
    {.tier = ServiceTier::standard, .input = 1250000, .cached = 125000, .output = 10000000},
    {.tier = ServiceTier::batch, .input = 625000, .cached = 62500, .output = 5000000},
};
constexpr Rates rates_14[] = {
    {.tier = ServiceTier::standard, .input = 1250000, .cached = 125000, .output = 10000000},
    {.tier = ServiceTier::batch, .input = 625000, .cached = 62500, .output = 5000000},
};
constexpr Rates rates_15[] = {
    {.tier = ServiceTier::standard, .input = 250000, .cached = 25000, .output = 2000000},
    {.tier = ServiceTier::batch, .input = 125000, .cached = 12500, .output = 1000000},
};
constexpr Rates rates_16[] = {
    {.tier = ServiceTier::standard, .input = 50000, .cached = 5000, .output = 400000},
    {.tier = ServiceTier::batch, .input = 25000, .cached = 2500, .output = 200000},
};
constexpr Rates rates_17[] = {
    {.tier = ServiceTier::standard, .input = 15000000, .output = 120000000},
};
constexpr Rates rates_18[] = {
    {.tier = ServiceTier::standard, .input = 1250000, .cached = 125000, .output = 10000000},
    {.tier = ServiceTier::batch, .input = 625000, .cached = 62500, .output = 5000000},
};
constexpr Rates rates_19[] = {
    {.tier = ServiceTier::standard, .input = 1250000, .cached = 125000, .output = 10000000},
    {.tier = ServiceTier::batch, .input = 625000, .cached = 62500, .output = 5000000},
};
constexpr Rates rates_20[] = {
    {.tier = ServiceTier::standard, .input = 1750000, .cached = 175000, .output = 14000000},
    {.tier = ServiceTier::batch, .input = 875000, .cached = 87500, .output = 7000000},
};
constexpr Rates rates_21[] = {
    {.tier = ServiceTier::standard, .input = 21000000, .output = 168000000},
};
constexpr Rates rates_22[] = {
    {.tier = ServiceTier::standard, .input = 2500000, .cached = 250000, .output = 15000000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 5000000, .cached = 500000, .output = 22500000},
    {.tier = ServiceTier::batch, .input = 1250000, .cached = 125000, .output = 7500000},
    {.tier = ServiceTier::batch, .above_input_tokens = 272000, .input = 2500000, .cached = 250000, .output = 11250000},
    {.tier = ServiceTier::flex, .input = 1250000, .cached = 125000, .output = 7500000},
    {.tier = ServiceTier::flex, .above_input_tokens = 272000, .input = 2500000, .cached = 250000, .output = 11250000},
    {.tier = ServiceTier::priority, .input = 5000000, .cached = 500000, .output = 30000000},
};
constexpr Rates rates_23[] = {
    {.tier = ServiceTier::standard, .input = 750000, .cached = 75000, .output = 4500000},
};
constexpr Rates rates_24[] = {
    {.tier = ServiceTier::standard, .input = 200000, .cached = 20000, .output = 1250000},
};
constexpr Rates rates_25[] = {
    {.tier = ServiceTier::standard, .input = 30000000, .output = 180000000},
};
constexpr Rates rates_26[] = {
    {.tier = ServiceTier::standard, .input = 5000000, .cached = 500000, .output = 30000000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 10000000, .cached = 1000000, .output = 45000000},
    {.tier = ServiceTier::batch, .input = 2500000, .cached = 250000, .output = 15000000},
    {.tier = ServiceTier::batch, .above_input_tokens = 272000, .input = 5000000, .cached = 500000, .output = 22500000},
    {.tier = ServiceTier::flex, .input = 2500000, .cached = 250000, .output = 15000000},
    {.tier = ServiceTier::flex, .above_input_tokens = 272000, .input = 5000000, .cached = 500000, .output = 22500000},
    {.tier = ServiceTier::priority, .input = 12500000, .cached = 1250000, .output = 75000000},
};
constexpr Rates rates_27[] = {
    {.tier = ServiceTier::standard, .input = 30000000, .output = 180000000},
};
constexpr Rates rates_28[] = {
    {.tier = ServiceTier::standard, .input = 200000, .cached = 20000, .cache_write = 250000, .output = 1200000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 400000, .cached = 40000, .cache_write = 500000, .output = 1800000},
    {.tier = ServiceTier::batch, .input = 100000, .cached = 10000, .cache_write = 125000, .output = 600000},
    {.tier = ServiceTier::batch, .above_input_tokens = 272000, .input = 200000, .cached = 20000, .cache_write = 250000, .output = 900000},
    {.tier = ServiceTier::flex, .input = 100000, .cached = 10000, .cache_write = 125000, .output = 600000},
    {.tier = ServiceTier::flex, .above_input_tokens = 272000, .input = 200000, .cached = 20000, .cache_write = 250000, .output = 900000},
    {.tier = ServiceTier::priority, .input = 400000, .cached = 40000, .cache_write = 500000, .output = 2400000},
    {.tier = ServiceTier::priority, .above_input_tokens = 272000, .input = 800000, .cached = 80000, .cache_write = 1000000, .output = 3600000},
};
constexpr Rates rates_29[] = {
    {.tier = ServiceTier::standard, .input = 4000000, .cached = 400000, .cache_write = 5000000, .output = 20000000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 8000000, .cached = 800000, .cache_write = 10000000, .output = 30000000},
    {.tier = ServiceTier::batch, .input = 2000000, .cached = 200000, .cache_write = 2500000, .output = 10000000},
    {.tier = ServiceTier::batch, .above_input_tokens = 272000, .input = 4000000, .cached = 400000, .cache_write = 5000000, .output = 15000000},
    {.tier = ServiceTier::flex, .input = 2000000, .cached = 200000, .cache_write = 2500000, .output = 10000000},
    {.tier = ServiceTier::flex, .above_input_tokens = 272000, .input = 4000000, .cached = 400000, .cache_write = 5000000, .output = 15000000},
    {.tier = ServiceTier::priority, .input = 8000000, .cached = 800000, .cache_write = 10000000, .output = 40000000},
    {.tier = ServiceTier::priority, .above_input_tokens = 272000, .input = 16000000, .cached = 1600000, .cache_write = 20000000, .output = 60000000},
};
constexpr Rates rates_30[] = {
    {.tier = ServiceTier::standard, .input = 2000000, .cached = 200000, .cache_write = 2500000, .output = 12000000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 4000000, .cached = 400000, .cache_write = 5000000, .output = 18000000},
    {.tier = ServiceTier::batch, .input = 1000000, .cached = 100000, .cache_write = 1250000, .output = 6000000},
    {.tier = ServiceTier::batch, .above_input_tokens = 272000, .input = 2000000, .cached = 200000, .cache_write = 2500000, .output = 9000000},
    {.tier = ServiceTier::flex, .input = 1000000, .cached = 100000, .cache_write = 1250000, .output = 6000000},
    {.tier = ServiceTier::flex, .above_input_tokens = 272000, .input = 2000000, .cached = 200000, .cache_write = 2500000, .output = 9000000},
    {.tier = ServiceTier::priority, .input = 4000000, .cached = 400000, .cache_write = 5000000, .output = 24000000},
    {.tier = ServiceTier::priority, .above_input_tokens = 272000, .input = 8000000, .cached = 800000, .cache_write = 10000000, .output = 36000000},
};
constexpr Rates rates_31[] = {
    {.tier = ServiceTier::standard, .input = 10000000, .cached = 1000000, .cache_write = 12500000, .output = 50000000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 20000000, .cached = 2000000, .cache_write = 25000000, .output = 75000000},
    {.tier = ServiceTier::batch, .input = 5000000, .cached = 500000, .cache_write = 6250000, .output = 25000000},
    {.tier = ServiceTier::batch, .above_input_tokens = 272000, .input = 10000000, .cached = 1000000, .cache_write = 12500000, .output = 37500000},
    {.tier = ServiceTier::flex, .input = 5000000, .cached = 500000, .cache_write = 6250000, .output = 25000000},
    {.tier = ServiceTier::flex, .above_input_tokens = 272000, .input = 10000000, .cached = 1000000, .cache_write = 12500000, .output = 37500000},
    {.tier = ServiceTier::priority, .input = 20000000, .cached = 2000000, .cache_write = 25000000, .output = 100000000},
    {.tier = ServiceTier::priority, .above_input_tokens = 272000, .input = 40000000, .cached = 4000000, .cache_write = 50000000, .output = 150000000},
};
constexpr Rates rates_32[] = {
    {.tier = ServiceTier::standard, .input = 100000, .cached = 10000, .cache_write = 125000, .output = 500000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 200000, .cached = 20000, .cache_write = 250000, .output = 750000},
};
constexpr Rates rates_33[] = {
    {.tier = ServiceTier::standard, .input = 2000000, .cached = 200000, .cache_write = 2500000, .output = 10000000},
    {.tier = ServiceTier::standard, .above_input_tokens = 272000, .input = 4000000, .cached = 400000, .cache_write = 5000000, .output = 15000000},
};
constexpr Rates rates_34[] = {
    {.tier = ServiceTier::standard, .input = 5000000, .cached = 1250000, .output = 40000000, .image_input = 10000000, .image_cached = 2500000},
};
constexpr Rates rates_35[] = {
    {.tier = ServiceTier::standard, .input = 4000000, .cached = 400000, .output = 16000000, .audio_input = 32000000, .audio_cached = 400000, .audio_output = 64000000, .image_input = 5000000, .image_cached = 500000},
};
constexpr Rates rates_36[] = {
    {.tier = ServiceTier::standard, .input = 15000000, .cached = 7500000, .output = 60000000},
    {.tier = ServiceTier::batch, .input = 7500000, .cached = 3750000, .output = 30000000},
};
constexpr Rates rates_37[] = {
    {.tier = ServiceTier::standard, .input = 150000000, .output = 600000000},
};
constexpr Rates rates_38[] = {
    {.tier = ServiceTier::standard, .input = 2000000, .cached = 500000, .output = 8000000},
    {.tier = ServiceTier::batch, .input = 1000000, .cached = 250000, .output = 4000000},
};
constexpr Rates rates_39[] = {
    {.tier = ServiceTier::standard, .input = 1100000, .cached = 550000, .output = 4400000},
    {.tier = ServiceTier::batch, .input = 550000, .cached = 275000, .output = 2200000},
};
constexpr Rates rates_40[] = {
    {.tier = ServiceTier::standard, .input = 20000000, .output = 80000000},
};
constexpr Rates rates_41[] = {
    {.tier = ServiceTier::standard, .input = 1100000, .cached = 275000, .output = 4400000},
    {.tier = ServiceTier::batch, .input = 550000, .cached = 137500, .output = 2200000},
};
constexpr Rates rates_42[] = {
    {.tier = ServiceTier::standard, .input = 130000},
    {.tier = ServiceTier::batch, .input = 65000},
};
constexpr Rates rates_43[] = {
    {.tier = ServiceTier::standard, .input = 20000},
    {.tier = ServiceTier::batch, .input = 10000},
};
constexpr Rates rates_44[] = {
    {.tier = ServiceTier::standard, .input = 100000},
    {.tier = ServiceTier::batch, .input = 50000},
};
constexpr Rates rates_45[] = {
    {.tier = ServiceTier::standard, .input = 0},
};

constexpr ModelPrice table[] = {
    {.model = "gpt-3.5-turbo", .rates = rates_0},
    {.model = "gpt-3.5-turbo-0125", .rates = rates_1},
    {.model = "gpt-4", .rates = rates_2},
    {.model = "gpt-4-0613", .rates = rates_3},
    {.model = "gpt-4-turbo", .with_date = true, .rates = rates_4},
    {.model = "gpt-4.1", .with_date = true, .rates = rates_5},
    {.model = "gpt-4.1-mini", .with_date = true, .rates = rates_6},
    {.model = "gpt-4.1-nano", .with_date = true, .rates = rates_7},
    {.model = "gpt-4o", .with_date = true, .rates = rates_8},
    {.model = "gpt-4o-2024-05-13", .rates = rates_9},
    {.model = "gpt-4o-mini", .with_date = true, .rates = rates_10},
    {.model = "gpt-4o-mini-transcribe", .with_date = true, .rates = rates_11},
    {.model = "gpt-4o-transcribe", .with_date = true, .rates = rates_12},
    {.model = "gpt-5", .with_date = true, .rates = rates_13},
    {.model = "gpt-5-codex", .with_date = true, .rates = rates_14},
    {.model = "gpt-5-mini", .with_date = true, .rates = rates_15},
    {.model = "gpt-5-nano", .with_date = true, .rates = rates_16},
    {.model = "gpt-5-pro", .with_date = true, .rates = rates_17},
    {.model = "gpt-5.1", .with_date = true, .rates = rates_18},
    {.model = "gpt-5.1-codex", .with_date = true, .rates = rates_19},
    {.model = "gpt-5.2", .with_date = true, .rates = rates_20},
    {.model = "gpt-5.2-pro", .with_date = true, .rates = rates_21},
    {.model = "gpt-5.4", .with_date = true, .rates = rates_22},
    {.model = "gpt-5.4-mini", .with_date = true, .rates = rates_23},
    {.model = "gpt-5.4-nano", .with_date = true, .rates = rates_24},
    {.model = "gpt-5.4-pro", .with_date = true, .rates = rates_25},
    {.model = "gpt-5.5", .with_date = true, .rates = rates_26},
    {.model = "gpt-5.5-pro", .with_date = true, .rates = rates_27},
    {.model = "gpt-5.6-luna", .with_date = true, .rates = rates_28},
    {.model = "gpt-5.6-sol", .with_date = true, .rates = rates_29},
    {.model = "gpt-5.6-terra", .with_date = true, .rates = rates_30},
    {.model = "gpt-6-astra", .with_date = true, .rates = rates_31},
    {.model = "gpt-6-luna", .with_date = true, .rates = rates_32},
    {.model = "gpt-6-sol", .with_date = true, .rates = rates_33},
    {.model = "gpt-image-1", .rates = rates_34},
    {.model = "gpt-realtime", .with_date = true, .rates = rates_35},
    {.model = "o1", .with_date = true, .rates = rates_36},
    {.model = "o1-pro", .with_date = true, .rates = rates_37},
    {.model = "o3", .with_date = true, .rates = rates_38},
    {.model = "o3-mini", .with_date = true, .rates = rates_39},
    {.model = "o3-pro", .with_date = true, .rates = rates_40},
    {.model = "o4-mini", .with_date = true, .rates = rates_41},
    {.model = "text-embedding-3-large", .rates = rates_42},
    {.model = "text-embedding-3-small", .rates = rates_43},
    {.model = "text-embedding-ada-002", .rates = rates_44},
    {.model = "whisper-1", .rates = rates_45, .per_audio_minute = 6000000},
};
// clang-format on

}  // namespace

const std::span<const ModelPrice> prices_table = table;
const std::string_view prices_table_checked = "2026-09-22";

}  // namespace openai
