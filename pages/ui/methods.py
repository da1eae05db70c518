"""The text of the Methods page: one entry a section, in the order in which a number comes about."""

from collections.abc import Mapping

SECTIONS: Mapping[str, str] = {
    "From picture to score": """
A file is decoded by what it holds, not by what it is called, and becomes 8-bit RGB: deeper pictures are scaled down,
rotation from the camera is applied, transparent parts are laid on black. It is then fitted to the square that the
network takes. The same code serves training, this app and the command line, so the same file gives the same bytes
everywhere; scaling of pixel values lies inside the saved network.

A **frozen** network was trained before, on ImageNet photographs (Deng et al. 2009) unless the run names other weights,
and is left as it is: the mean of each of its last maps over the picture gives a list of *features*, one hundred to two
thousand numbers. A **head** is a classifier on these features:
a small neural network (CNN+MLP), logistic regression, a random forest or gradient boosting. All heads of one network
see the same features of the same images, so a difference between them is a difference of the heads. **From scratch**
means that the network itself was trained, from random weights; **fine-tuned**, that its last layers or all of them went
on learning at a low rate from weights that were there.

What is trained may be asked otherwise: from several sides of a picture, turned over, or together with other stored
runs (an **ensemble**, Lakshminarayanan et al. 2017). The mean of the logits answers, and nothing new is learnt.
""",
    "Splits": """
Images of one patient (lesion, study) resemble each other more than images of two. If they stand on both sides of a
split, a network can recognise the patient in place of the disease, and its test numbers are too good. So whole groups
are split: 60 % for training, 20 % for validation, 20 % for test, with the classes spread evenly, by a stored seed.
Images with identical bytes travel together. Where the source publishes its own test part, that one can be used.

Each run stores an **audit**: how many groups and how many identical images stand in more than one split. A random
split of images is possible, to show what leakage does; it is marked in red wherever it appears.

Training images fit the weights; validation images choose everything else (settings of the heads, when to stop, the
cut, the temperature); test images are scored once, last.
""",
    "Cuts": """
A network gives scores; a decision needs a cut. It is chosen on validation images, by default where sensitivity +
specificity is largest (Youden 1950, Cancer 3:32), and shown with the rule that chose it. With more than two classes
that exclude each other, the most probable one is taken and no cut is needed. A cut travels badly: on patients from
elsewhere, or with another share of diseased, the same cut gives other errors.
""",
    "Intervals": """
Each number carries a 95 % interval, from a **bootstrap over patients** (Efron & Tibshirani 1993): patients, with all
their images, are drawn with replacement 1,000 times and the number is computed anew; the middle 95 % is the interval.
It says how far the number would move with other patients of the same kind. It knows nothing of other hospitals. For
two classes the AUC also has the interval of DeLong et al. (1988, Biometrics 44:837), which takes every image as
independent.
""",
    "Comparing two runs": """
Two runs are compared on the same test images: in each bootstrap draw both are scored on the same patients and the
difference is taken. This **paired** difference sees smaller effects than two intervals side by side; that two
intervals overlap says nothing. Several comparisons at once are corrected by Holm's method (1979, Scand J Stat 6:65).
When the interval of the difference holds 0, the sentence says that the data cannot tell, which is no proof that the
two are alike.
""",
    "Calibration": """
A network is calibrated when, of all images to which it gives 80 %, 80 of 100 are what it says. The diagram sorts
images by their stated probability into ten bins and compares with what came true (intervals: Wilson). One number, the
**temperature**, by which the scores are divided before they become probabilities, is fitted on validation (Guo et al.
2017, arXiv:1706.04599); it changes no ranking. Shipped models show calibrated probabilities.
""",
    "Where the network looked": """
**Grad-CAM** (Selvaraju et al. 2017, arXiv:1610.02391) takes the maps of the last layer that still knows about places,
weighs each by how much the score of the chosen class would rise with it, adds them up and keeps what is above zero.
The result has few cells, often 7 x 7, and is smoothed to the size of the picture, so its edges mean nothing. It shows
what raised a score. It does not show where a disease lies, nor that the network understood it: a warm region can be a
letter marker, a tube or the edge of a collimator. An **empty map** means that no part of the picture raised the score
of that class. Colours run from the picture itself (low) over purple to pale yellow (high), lighter meaning more.

The maps of all classes come from the same pass as the scores, by a small graph of the head's gradient, and are tested
against the library tf-keras-vis, which can also draw them here.
""",
    "Phantoms": """
Phantoms are chest radiographs drawn by this program, with findings planted at known places. They are there so that
everything can be tried without data of people, and so that tests can measure whether a map points at the finding.
A number on phantoms says whether the program works, never how a network does on people.
""",
}

LIMITS = """
- One data set is one place, one time and one way of choosing patients. A good number here is no promise elsewhere.
- Labels are not the truth: some were mined from reports by rules, some come from a single reader.
- A network answers for any picture, also for one that is no radiograph; nothing here notices that.
- Predictive values hold at the share of diseased in the test images, which is seldom that of a clinic.
- Choosing the best of many runs by their test numbers flatters the winner a little.
- Nothing was tested in the care of patients. MedLens is for research and teaching, and is not a medical device.
"""
