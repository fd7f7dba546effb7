"""Everything that makes a model: corpus tools, base encoders, fine-tuning, evaluation and export."""
