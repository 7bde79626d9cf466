window.sahutWithoutEval();
