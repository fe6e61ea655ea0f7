"""What a file is: its format, what reading it came to, what the model is for, which base it belongs to."""

from __future__ import annotations

from catalog.vocabulary.words import Word


class Format(Word):
    """The container that the bytes are in."""

    SAFETENSORS = "safetensors", "safetensors"
    GGUF = "gguf", "GGUF"
    DIFFUSERS = "diffusers", "diffusers folder"
    TRANSFORMERS = "transformers", "transformers folder"
    PICKLE = "pickle", "PyTorch pickle"
    ONNX = "onnx", "ONNX"
    KERAS = "keras", "Keras"
    HDF5 = "hdf5", "HDF5"
    TENSORFLOW = "tensorflow", "TensorFlow"
    TFJS = "tfjs", "TensorFlow.js"
    TFLITE = "tflite", "TensorFlow Lite"
    COREML = "coreml", "Core ML"
    OPENVINO = "openvino", "OpenVINO"
    CTRANSLATE2 = "ctranslate2", "CTranslate2"
    TENSORRT = "tensorrt", "TensorRT engine"
    FLAX = "flax", "Flax msgpack"
    NUMPY = "numpy", "NumPy"
    GGML = "ggml", "GGML before GGUF"
    OTHER = "other", "other"


class Outcome(Word):
    """What reading a file came to."""

    PENDING = "pending", "not read yet"
    OK = "ok", "read"
    INVALID = "invalid", "malformed"
    SUSPICIOUS = "suspicious", "carries foreign objects"
    UNSAFE = "unsafe", "unsafe"
    UNSUPPORTED = "unsupported", "format not read yet"
    SKIPPED = "skipped", "skipped"
    UNREADABLE = "unreadable", "unreadable"
    CHANGED = "changed", "changed while read"


class Kind(Word):
    """What a model is for."""

    CHECKPOINT = "checkpoint", "Checkpoint"
    DIFFUSION_MODEL = "diffusion-model", "Diffusion model"
    LORA = "lora", "LoRA"
    VAE = "vae", "VAE"
    TEXT_ENCODER = "text-encoder", "Text encoder"
    CLIP_VISION = "clip-vision", "CLIP vision"
    CONTROLNET = "controlnet", "ControlNet"
    IP_ADAPTER = "ip-adapter", "IP-Adapter"
    EMBEDDING = "embedding", "Embedding"
    UPSCALER = "upscaler", "Upscaler"
    LLM = "llm", "Language model"
    UNKNOWN = "unknown", "not known"


class Base(Word):
    """The architecture that a model is made for."""

    SD_1 = "sd-1", "SD 1.x"
    SD_2 = "sd-2", "SD 2.x"
    SDXL = "sdxl", "SDXL"
    SDXL_REFINER = "sdxl-refiner", "SDXL refiner"
    SD_3 = "sd-3", "SD 3"
    FLUX = "flux", "FLUX.1"
    FLUX_2 = "flux.2", "FLUX.2"
    CHROMA = "chroma", "Chroma"
    LLAMA = "llama", "Llama"
    QWEN = "qwen", "Qwen"
    MISTRAL = "mistral", "Mistral"
    GEMMA = "gemma", "Gemma"
    PHI = "phi", "Phi"
    GPT_2 = "gpt-2", "GPT-2"
    BERT = "bert", "BERT"
    CLIP = "clip", "CLIP"
    T5 = "t5", "T5"
    UNKNOWN = "unknown", "not known"


class Trait(Word):
    """What tells a model from others of its base: what it takes in, what it leaves out, how it was distilled."""

    INPAINT = "inpaint", "inpainting"
    DEPTH = "depth", "depth"
    EDIT = "edit", "image editing"
    FILL = "fill", "fill"
    REFINER = "refiner", "refiner"
    TURBO = "turbo", "turbo"
    DEV = "dev", "dev"
    SCHNELL = "schnell", "schnell"
    TEXT_TO_VIDEO = "t2v", "text to video"
    IMAGE_TO_VIDEO = "i2v", "image to video"


class Precision(Word):
    """How a weight is stored; GGUF files carry the name of their file type (`Q4_K_M`) instead."""

    FP64 = "fp64", "fp64"
    FP32 = "fp32", "fp32"
    FP16 = "fp16", "fp16"
    BF16 = "bf16", "bf16"
    FP8_E4M3 = "fp8_e4m3", "fp8 e4m3"
    FP8_E5M2 = "fp8_e5m2", "fp8 e5m2"
    INT8 = "int8", "int8"
    INT4 = "int4", "int4"
    FP4 = "fp4", "fp4"
    MIXED = "mixed", "mixed"
    UNKNOWN = "unknown", "not known"


class FileRole(Word):
    """What one file does in a variant of several."""

    WEIGHTS = "weights", "weights"
    DATA = "data", "external data"
    INDEX = "index", "index of the shards"
    CONFIG = "config", "configuration"
    TOKENIZER = "tokenizer", "tokenizer"


class NameSource(Word):
    """Where a model's name comes from, strongest first."""

    PERSON = "person", "a person"
    SIDECAR = "sidecar", "a sidecar"
    HEADER = "header", "the file's header"
    REPOSITORY = "repository", "the repository"
    OLLAMA = "ollama", "Ollama"
    FILE = "file", "the file name"
