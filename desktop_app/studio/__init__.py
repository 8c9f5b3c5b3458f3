"""WHAT IS GOING ON: QObjects and item models between the windows and the engine; no widgets."""
